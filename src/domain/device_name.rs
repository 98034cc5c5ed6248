//! A device's model where an application sends the name that its owner gave the device.

/// What is left of a model without its owner: systems name a device after a person (`张三的iPhone`,
/// `Ann's iPad`, `iPhone de Ana`), and some applications send that name as the model. Models
/// themselves have no such forms.
pub fn without_owner(model: &str) -> &str {
    if !may_name_an_owner(model) {
        return model;
    }
    let of = ["的", "の", "'s ", "’s ", "' ", "’ "];
    let behind = of.iter().filter_map(|mark| model.rfind(mark).map(|at| at + mark.len())).max();
    let product = match behind.and_then(|at| model.get(at..)) {
        Some(product) => product.trim_start(),
        None => model,
    };
    let before = [" de ", " von ", " van ", " di ", " da ", " do ", " d'", " d’", " pour ", " от "];
    let end = before.iter().filter_map(|mark| product.find(mark)).min();
    product.get(..end.unwrap_or(product.len())).unwrap_or(product)
}

/// Whether there is anything to look for, at a glance: nearly no model has it.
fn may_name_an_owner(model: &str) -> bool {
    let begins = |pair: &[u8]| matches!(pair, [b' ', b'd' | b'v' | b'p']);
    !model.is_ascii() || model.contains('\'') || model.as_bytes().windows(2).any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The device is named, its owner is not; a model is left as it is.
    #[test]
    fn a_model_names_nobody() {
        for (name, expected) in [
            ("张三的iPhone", "iPhone"),
            ("张三的 iPhone 15 Pro", "iPhone 15 Pro"),
            ("王的儿子的iPad", "iPad"),
            ("太郎のiPhone", "iPhone"),
            ("Ann's iPad", "iPad"),
            ("Ann’s Galaxy S21", "Galaxy S21"),
            ("James' MacBook", "MacBook"),
            ("iPhone de Ana María", "iPhone"),
            ("iPhone von Max", "iPhone"),
            ("iPhone d’Anne", "iPhone"),
        ] {
            assert_eq!(without_owner(name), expected, "{name}");
        }
        for model in ["", "iPhone15,3", "Mate 60 Pro", "SM-G9980", "小米 14", "Redmi Note 12", "的"]
        {
            let expected = if model == "的" { "" } else { model };
            assert_eq!(without_owner(model), expected);
        }
    }
}
