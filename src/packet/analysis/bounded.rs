//! A map that forgets what was not used for longest.

use std::{collections::HashMap, hash::Hash};

/// At most `capacity` values by key; a new one beyond that takes the place of the one least recently used.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    places: HashMap<K, u32>,
    slots: Vec<Slot<K, V>>,
    capacity: usize,
    /// The most and the least recently used; both are `NONE` while there is none.
    newest: u32,
    oldest: u32,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    /// The next more and the next less recently used.
    newer: u32,
    older: u32,
}

const NONE: u32 = u32::MAX;

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            places: HashMap::new(),
            slots: Vec::new(),
            capacity: capacity as usize,
            newest: NONE,
            oldest: NONE,
        }
    }

    /// The value of a key, made if there is none; it counts as used.
    pub(super) fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(&key) {
            Some(place) => {
                self.touch(place);
                place
            }
            None => self.insert(key, make()),
        };
        &mut self.slots[place as usize].value
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.places.remove(key)?;
        self.unlink(place);
        let slot = self.slots.swap_remove(place as usize);
        // The last one moved into its place.
        if let Some(moved) = self.slots.get(place as usize) {
            let (newer, older) = (moved.newer, moved.older);
            self.places.insert(moved.key, place);
            self.set_newer_of(older, place);
            self.set_older_of(newer, place);
        }
        Some(slot.value)
    }

    /// Frames come in runs of one key: the newest is looked at before the map is.
    fn place(&self, key: &K) -> Option<u32> {
        match self.slots.get(self.newest as usize) {
            Some(slot) if slot.key == *key => Some(self.newest),
            _ => self.places.get(key).copied(),
        }
    }

    fn insert(&mut self, key: K, value: V) -> u32 {
        let slot = Slot { key, value, newer: NONE, older: NONE };
        let place = if self.slots.len() < self.capacity {
            self.slots.push(slot);
            self.slots.len() as u32 - 1
        } else {
            let place = self.oldest;
            self.unlink(place);
            let old = std::mem::replace(&mut self.slots[place as usize], slot);
            self.places.remove(&old.key);
            place
        };
        self.places.insert(key, place);
        self.link(place);
        place
    }

    fn touch(&mut self, place: u32) {
        if place != self.newest {
            self.unlink(place);
            self.link(place);
        }
    }

    /// Makes a slot the newest.
    fn link(&mut self, place: u32) {
        let older = self.newest;
        if let Some(slot) = self.slots.get_mut(place as usize) {
            (slot.newer, slot.older) = (NONE, older);
        }
        self.newest = place;
        self.set_newer_of(older, place);
    }

    fn unlink(&mut self, place: u32) {
        let Some(slot) = self.slots.get(place as usize) else { return };
        let (newer, older) = (slot.newer, slot.older);
        self.set_older_of(newer, older);
        self.set_newer_of(older, newer);
    }

    fn set_older_of(&mut self, place: u32, older: u32) {
        match self.slots.get_mut(place as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }

    fn set_newer_of(&mut self, place: u32, newer: u32) {
        match self.slots.get_mut(place as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }
}
