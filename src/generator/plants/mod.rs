//! Planted.
use super::draft::Draft;
use super::settings::Settings;
use super::world::World;
#[derive(Debug)]
pub(super) struct Planter;
impl Planter {
    pub(super) fn new(_settings: &Settings) -> Self {
        Self
    }
    pub(super) fn after_ordinary(
        &mut self,
        _world: &World,
        _at_ms: i64,
        _n: &mut u64,
    ) -> Vec<Draft> {
        Vec::new()
    }
}
