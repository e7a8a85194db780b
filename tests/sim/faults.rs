//! Everything that can go wrong, counted; and dice that fall the same way for the same case, whatever else the program does.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    CrashBeforeAppend,
    CrashWithinAppend,
    CrashAfterAppend,
    CrashBeforeCall,
    CrashDuringCall,
    CrashAfterCall,
    CrashBeforeSwap,
    CrashAfterSwap,
    CrashBeforeClose,
    CrashAfterClose,
    TornLine,
    Throttled,
    Storm,
    ServerError,
    LostAnswer,
    LateCall,
    TwiceCall,
    NotYet,
    Refused,
    FailedRead,
    LaggingList,
    StaleRead,
    HiddenId,
    LateTags,
    LateChange,
    Ghost,
    NeverReady,
    Drift,
    TagDrift,
    DeletedByHand,
    NameTaken,
    SecondWriter,
    Paused,
    TakenOver,
    ClockOff,
    CtrlC,
    LostState,
    StoreAnswerLost,
    Edit,
}

/// All of them, for the test that each was struck often enough.
pub const ALL: [Fault; 39] = [
    Fault::CrashBeforeAppend,
    Fault::CrashWithinAppend,
    Fault::CrashAfterAppend,
    Fault::CrashBeforeCall,
    Fault::CrashDuringCall,
    Fault::CrashAfterCall,
    Fault::CrashBeforeSwap,
    Fault::CrashAfterSwap,
    Fault::CrashBeforeClose,
    Fault::CrashAfterClose,
    Fault::TornLine,
    Fault::Throttled,
    Fault::Storm,
    Fault::ServerError,
    Fault::LostAnswer,
    Fault::LateCall,
    Fault::TwiceCall,
    Fault::NotYet,
    Fault::Refused,
    Fault::FailedRead,
    Fault::LaggingList,
    Fault::StaleRead,
    Fault::HiddenId,
    Fault::LateTags,
    Fault::LateChange,
    Fault::Ghost,
    Fault::NeverReady,
    Fault::Drift,
    Fault::TagDrift,
    Fault::DeletedByHand,
    Fault::NameTaken,
    Fault::SecondWriter,
    Fault::Paused,
    Fault::TakenOver,
    Fault::ClockOff,
    Fault::CtrlC,
    Fault::LostState,
    Fault::StoreAnswerLost,
    Fault::Edit,
];

/// How often each fault was struck.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<Fault, u64>>);

impl Tally {
    pub fn strike(&self, fault: Fault) {
        *self.0.lock().unwrap().entry(fault).or_default() += 1;
    }

    pub fn count(&self, fault: Fault) -> u64 {
        self.0.lock().unwrap().get(&fault).copied().unwrap_or(0)
    }
}

/// What happens to one mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Fine,
    /// Not carried out, and nobody knows.
    ServerError,
    /// Carried out, and nobody knows.
    LostAnswer,
    /// Carried out after its sender gave up.
    Late,
    Twice,
    Throttled,
    NotYet,
    /// Refused for good.
    Refused,
}

/// How often things go wrong, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weather {
    /// Mutating calls, all sorts of trouble together.
    pub calls: u32,
    pub reads: u32,
    pub lags: u32,
    /// Mutating calls whose effect a part of the cloud does not know at first.
    #[serde(default)]
    pub hides: u32,
    pub breaks: u32,
    pub store: u32,
    /// From this second of the run on, for a minute, everything is throttled.
    pub storm: Option<u32>,
}

impl Weather {
    pub const CALM: Self = Self {
        calls: 0,
        reads: 0,
        lags: 0,
        hides: 0,
        breaks: 0,
        store: 0,
        storm: None,
    };

    pub fn fate(&self, dice: &mut Dice) -> Fate {
        if !dice.chance(self.calls) {
            return Fate::Fine;
        }
        match dice.below(20) {
            0..=2 => Fate::ServerError,
            3..=6 => Fate::LostAnswer,
            7..=10 => Fate::Late,
            11..=12 => Fate::Twice,
            13..=15 => Fate::Throttled,
            16..=17 => Fate::NotYet,
            _ => Fate::Refused,
        }
    }
}

/// Random numbers (splitmix64). Written out here since a case that is kept as a file must fall the same way for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of its own for one place of a case: what happens elsewhere does not move it.
    pub fn at(seed: u64, place: &[&dyn std::fmt::Display]) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for part in place {
            for byte in part.to_string().bytes().chain([0xff]) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        let mut dice = Self(state);
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True in so many of a thousand.
    pub fn chance(&mut self, thousandths: u32) -> bool {
        self.below(1000) < u64::from(thousandths)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(from.len() as u64)).ok()?;
        from.get(at)
    }
}
