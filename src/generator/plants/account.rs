//! Accounts in the wrong hands and devices with too many of them: D1 to D11.

use super::scene::Scene;
use super::{HOUR, MINUTE, SECOND, Typology, circumstance, fraud};
use crate::generator::compose;
use crate::generator::draft::{Draft, Kind, Method, Money, Passed};
use crate::generator::world::devices::{DeviceClass, DeviceFlags, DeviceUse};
use crate::generator::world::people::Person;

pub(super) const TABLE: &[Typology] = &[
    fraud("D1", "", 6 * HOUR, takeover),
    fraud("D2", "review", 24 * HOUR, many_accounts_for_review),
    fraud("D2", "block", 24 * HOUR, many_accounts_to_block),
    fraud("D3", "", 48 * HOUR, many_devices),
    fraud("D4", "emulator", HOUR, emulator),
    fraud("D4", "hook", HOUR, hook),
    fraud("D5", "", HOUR, farm),
    fraud("D6", "", HOUR, pays_at_once),
    circumstance("D7", "", 27 * HOUR, pays_from_another_phone),
    fraud("D8", "", 100 * HOUR, pays_after_sim_change),
    fraud("D9", "", 6 * HOUR, pays_after_reset),
    fraud("D10", "", HOUR, one_time_codes),
    fraud("D10", "address", HOUR, one_time_codes_of_many),
    circumstance("D11", "", HOUR, minor_spends),
];

/// Threshold: 2,000 yuan from a device never seen, within a day after a change of credentials. The
/// owner's own payments come first, and the change is made elsewhere: by a call, by a talked-over
/// owner.
fn takeover(scene: &mut Scene<'_>) {
    let amount = scene.sum(Money::yuan(2_000));
    let (victim, burner) = (scene.crook(), scene.burner());
    for nth in 0..6 {
        let at_ms = scene.spread(nth, 6, 3 * HOUR);
        let (shop, small) = (scene.any_shop(), scene.yuan(20, 200));
        let draft = scene.app_payment(&victim, &shop, (small, at_ms));
        scene.prepare(draft);
    }
    let change = event(scene, &victim, (Kind::AccountChange, 4 * HOUR));
    let what = scene.rng.pick(&["password", "phone", "sim"]);
    scene.play(Draft { account_change: Some(what), ..change });
    let (shop, at_ms) = (scene.any_shop(), scene.at(4 * HOUR + 20 * MINUTE));
    let draft = scene.app_payment(&victim, &shop, (amount, at_ms));
    scene.strike(Draft { device: Some(burner), ..draft });
}

/// Threshold: three accounts on one device in a day.
fn many_accounts_for_review(scene: &mut Scene<'_>) {
    let accounts = scene.count_up_to(3, 4);
    many_accounts(scene, accounts, 3);
}

/// Threshold: five accounts on one device in a day.
fn many_accounts_to_block(scene: &mut Scene<'_>) {
    let accounts = scene.count(5);
    many_accounts(scene, accounts, 5);
}

fn many_accounts(scene: &mut Scene<'_>, accounts: u32, threshold: u32) {
    let burner = scene.burner();
    for nth in 0..accounts {
        let crook = scene.crook();
        let at_ms = scene.spread(nth, accounts, 10 * HOUR);
        let (shop, amount) = (scene.any_shop(), scene.yuan(50, 500));
        let draft = scene.app_payment(&crook, &shop, (amount, at_ms));
        scene.play_nth(nth + 1, threshold, Draft { device: Some(burner), ..draft });
    }
}

/// Threshold: four devices on one account.
fn many_devices(scene: &mut Scene<'_>) {
    let devices = scene.count(4);
    let victim = scene.crook();
    for nth in 0..devices {
        let burner = scene.burner();
        let at_ms = scene.spread(nth, devices, 40 * HOUR);
        let (shop, amount) = (scene.any_shop(), scene.yuan(50, 500));
        let draft = scene.app_payment(&victim, &shop, (amount, at_ms));
        scene.play_nth(nth + 1, 4, Draft { device: Some(burner), ..draft });
    }
}

/// An emulator that says so, rooted; nearly: an ordinary phone that nobody has seen.
fn emulator(scene: &mut Scene<'_>) {
    let does = scene.does_it();
    let burner = scene.burner();
    let emulated = DeviceUse::plain(DeviceClass::Emulator, burner.id)
        .with_flags(DeviceFlags::EMULATOR.and(DeviceFlags::ROOTED));
    pay_with(scene, if does { emulated } else { burner });
}

/// A hooked and cloned app on a rooted phone; nearly: an ordinary phone that nobody has seen.
fn hook(scene: &mut Scene<'_>) {
    let strong = DeviceFlags::HOOKED.and(DeviceFlags::ROOTED).and(DeviceFlags::CLONED);
    let flags = if scene.does_it() { strong } else { DeviceFlags::default() };
    let device = scene.burner().with_flags(flags);
    pay_with(scene, device);
}

fn pay_with(scene: &mut Scene<'_>, device: DeviceUse) {
    let (crook, shop, amount) = (scene.crook(), scene.any_shop(), scene.yuan(200, 2_000));
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(0)));
    scene.strike(Draft { device: Some(device), ..draft });
}

/// Threshold: ten devices of one build behind one /24.
fn farm(scene: &mut Scene<'_>) {
    let devices = scene.count(10);
    let (build, city, line) = (scene.burner().id, scene.any_city(), scene.rng.word());
    for nth in 0..devices {
        let (crook, burner) = (scene.crook(), scene.burner());
        let at_ms = scene.spread(nth, devices, 40 * MINUTE);
        let (shop, amount) = (scene.any_shop(), scene.yuan(5, 40));
        let draft = scene.app_payment(&crook, &shop, (amount, at_ms));
        let ip = scene.world.neighbouring_ip(city, line, 2 + nth as u8 * 3);
        let network = compose::wired(ip, scene.rng);
        let device = DeviceUse { build, ..burner };
        let draft = Draft { device: Some(device), network: Some(network), fix: None, ..draft };
        scene.play_nth(nth + 1, 10, draft);
    }
}

/// Threshold: 60 seconds from sign-up to payment; the intensity is 60 seconds over the time taken.
fn pays_at_once(scene: &mut Scene<'_>) {
    let taken_ms = (60_000.0 / scene.ratio()) as i64;
    let (crook, burner) = (scene.crook(), scene.burner());
    let sign_up = event(scene, &crook, (Kind::Registration, 0));
    scene.play(Draft { device: Some(burner), ..sign_up });
    let (shop, amount) = (scene.any_shop(), scene.yuan(100, 900));
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(taken_ms)));
    scene.strike(Draft { device: Some(burner), ..draft });
}

/// An account of yesterday pays from a phone that nobody knows; nearly: from its own, which a reset has
/// made only probable. A weight in a score, and no crime: everybody buys a telephone now and then.
fn pays_from_another_phone(scene: &mut Scene<'_>) {
    let is_other = scene.does_it();
    let (owner, own, burner) = (scene.crook(), scene.lasting_burner(), scene.burner());
    let (shop, amount) = (scene.any_shop(), scene.yuan(20, 200));
    let draft = scene.app_payment(&owner, &shop, (amount, scene.at(0)));
    scene.prepare(Draft { device: Some(own), ..draft });
    let (shop, amount, at_ms) = (scene.any_shop(), scene.yuan(20, 200), scene.at(26 * HOUR));
    let draft = scene.app_payment(&owner, &shop, (amount, at_ms));
    let device = if is_other { burner } else { own.after_reset() };
    scene.strike(Draft { device: Some(device), ..draft });
}

/// Threshold: 1,000 yuan from a phone that was reset since its owner's payments. The reset keeps the
/// DRM identifier; one that keeps nothing makes another phone, and that is D7.
fn pays_after_reset(scene: &mut Scene<'_>) {
    let amount = scene.sum(Money::yuan(1_000));
    let (victim, phone) = (scene.crook(), scene.lasting_burner());
    for nth in 0..3 {
        let at_ms = scene.spread(nth, 3, 3 * HOUR);
        let (shop, small) = (scene.any_shop(), scene.yuan(20, 200));
        let draft = scene.app_payment(&victim, &shop, (small, at_ms));
        scene.prepare(Draft { device: Some(phone), ..draft });
    }
    let (shop, at_ms) = (scene.any_shop(), scene.at(5 * HOUR));
    let draft = scene.app_payment(&victim, &shop, (amount, at_ms));
    scene.strike(Draft { device: Some(phone.after_reset()), ..draft });
}

/// Threshold: 1,000 yuan, paid by somebody under eighteen. No crime: somebody at home should know.
fn minor_spends(scene: &mut Scene<'_>) {
    let amount = scene.sum(Money::yuan(1_000));
    let (payer, shop) = (scene.minor(), scene.any_shop());
    let draft = scene.app_payment(&payer, &shop, (amount, scene.at(0)));
    scene.strike(draft);
}

/// Threshold: a large payment within 72 hours of a change of SIM; the intensity is 72
/// hours over the time taken.
fn pays_after_sim_change(scene: &mut Scene<'_>) {
    let taken_ms = ((72 * HOUR) as f64 / scene.ratio_within(0.75, 24.0)) as i64;
    let victim = scene.crook();
    let change = event(scene, &victim, (Kind::AccountChange, 0));
    scene.play(Draft { account_change: Some("sim"), ..change });
    let (shop, amount) = (scene.any_shop(), scene.yuan(8_000, 20_000));
    let draft = scene.app_payment(&victim, &shop, (amount, scene.at(taken_ms - SECOND)));
    scene.strike(draft);
}

/// Threshold: five failed one-time codes within an hour, from a phone that is not the owner's.
fn one_time_codes(scene: &mut Scene<'_>) {
    let failures = scene.count(5);
    let (victim, burner) = (scene.crook(), scene.burner());
    for nth in 0..failures {
        let at_ms = scene.spread(nth, failures, 40 * MINUTE) - scene.at(0);
        let draft = event(scene, &victim, (Kind::Verification, at_ms));
        let verification = Some((Method::Sms, Passed::No));
        let draft = Draft { device: Some(burner), verification, ..draft };
        scene.play_nth(nth + 1, 5, draft);
    }
}

/// Threshold: ten failed one-time codes within an hour from one address that few share; each of
/// another account, from a phone of its own, so that no account and no phone fails often.
fn one_time_codes_of_many(scene: &mut Scene<'_>) {
    let failures = scene.count(10);
    let (city, line) = (scene.any_city(), scene.rng.word());
    let ip = scene.world.neighbouring_ip(city, line, 2);
    for nth in 0..failures {
        let at_ms = scene.spread(nth, failures, 40 * MINUTE) - scene.at(0);
        let (victim, burner) = (scene.crook(), scene.burner());
        let draft = event(scene, &victim, (Kind::Verification, at_ms));
        let network = Some(compose::wired(ip, scene.rng));
        let verification = Some((Method::Sms, Passed::No));
        let draft = Draft { device: Some(burner), network, fix: None, verification, ..draft };
        scene.play_nth(nth + 1, 10, draft);
    }
}

/// An event from a person's phone, so many milliseconds into the campaign.
fn event(scene: &mut Scene<'_>, person: &Person, (kind, after_ms): (Kind, i64)) -> Draft {
    let at_ms = scene.at(after_ms);
    compose::from_phone(scene.world, person, (kind, at_ms), scene.rng)
}
