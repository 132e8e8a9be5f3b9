//! What can happen in a shop, in any order and at once, and what can go wrong meanwhile.

pub(crate) mod facts;
pub(crate) mod world;

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use crate::support::s3::Fault;

/// What people do. Numbers choose among what there is, and some ask for what cannot be had.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Puts something into the cart and orders what is in it.
    Buy {
        who: usize,
        what: usize,
        quantity: i32,
        method: &'static str,
    },
    /// Sends a checkout again.
    BuyAgain {
        intent: usize,
    },
    CallOff {
        order: usize,
    },
    /// An administrator moves an order: the last part of the route.
    Move {
        order: usize,
        to: &'static str,
    },
    /// The customer pays by card, perhaps a cent too little, and Stripe tells.
    Pay {
        order: usize,
        short: i64,
    },
    Decline {
        order: usize,
    },
    /// Stripe tells something again.
    TellAgain {
        message: usize,
    },
    /// An administrator found the money on the bank's statement.
    Receive {
        order: usize,
        short: i64,
    },
    GiveBack {
        order: usize,
        amount: i64,
    },
    Reconcile,
    Adjust {
        what: usize,
        delta: i32,
    },
    Threshold {
        what: usize,
        low: i32,
    },
    Reprice {
        what: usize,
        price: i64,
    },
    /// A customer keeps an address.
    Keep {
        who: usize,
    },
}

/// What goes wrong while something is done.
#[derive(Clone, Debug)]
pub(crate) enum Misfortune {
    Nothing,
    /// The program is killed after so many milliseconds.
    Death(u64),
    /// These happen to the next objects of the journal.
    Journal(Vec<Fault>),
    /// S3 is away.
    Away,
    /// Stripe does what is asked for, and its answer is lost.
    StripeForgets,
}

/// Things done at once, and what goes wrong meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) acts: Vec<Act>,
    pub(crate) misfortune: Misfortune,
}

/// A whole story, and before which scene the database is copied.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) scenes: Vec<Scene>,
    pub(crate) copied: usize,
}

pub(crate) fn schedules() -> impl Strategy<Value = Schedule> {
    let scene = (vec(act(), 1..4), misfortune()).prop_map(|(acts, misfortune)| Scene { acts, misfortune });
    (vec(scene, 4..24), 0..6_usize).prop_map(|(scenes, copied)| Schedule { scenes, copied })
}

fn act() -> impl Strategy<Value = Act> {
    let (order, what, who) = (0..40_usize, 0..4_usize, 0..4_usize);
    let method = prop::sample::select(vec!["cash_on_delivery", "bank_transfer", "card", "card"]);
    let step = prop::sample::select(vec!["fulfil", "fulfil", "ship", "ship", "deliver", "reserve", "cancel"]);
    let quantity = prop::sample::select(vec![1, 1, 1, 2, 3, 0, -1]);
    let short = prop::sample::select(vec![0, 0, 0, 1]);
    prop_oneof![
        12 => (who.clone(), what.clone(), quantity, method)
            .prop_map(|(who, what, quantity, method)| Act::Buy { who, what, quantity, method }),
        2 => order.clone().prop_map(|intent| Act::BuyAgain { intent }),
        1 => order.clone().prop_map(|order| Act::CallOff { order }),
        6 => (order.clone(), step).prop_map(|(order, to)| Act::Move { order, to }),
        4 => (order.clone(), short.clone()).prop_map(|(order, short)| Act::Pay { order, short }),
        1 => order.clone().prop_map(|order| Act::Decline { order }),
        2 => order.clone().prop_map(|message| Act::TellAgain { message }),
        2 => (order.clone(), short).prop_map(|(order, short)| Act::Receive { order, short }),
        2 => (order, 0..60_000_i64).prop_map(|(order, amount)| Act::GiveBack { order, amount }),
        1 => Just(Act::Reconcile),
        3 => (what.clone(), -9..9_i32).prop_map(|(what, delta)| Act::Adjust { what, delta }),
        1 => (what.clone(), -1..9_i32).prop_map(|(what, low)| Act::Threshold { what, low }),
        1 => (what, -9..90_000_i64).prop_map(|(what, price)| Act::Reprice { what, price }),
        1 => who.prop_map(|who| Act::Keep { who }),
    ]
}

fn misfortune() -> impl Strategy<Value = Misfortune> {
    let late = Fault::LandsLate(Duration::from_millis(100));
    let faults = vec![
        vec![Fault::AnswerLost],
        vec![Fault::Busy, Fault::AnswerLost],
        vec![Fault::Busy, Fault::Busy],
        vec![late],
        vec![Fault::Taken],
    ];
    prop_oneof![
        10 => Just(Misfortune::Nothing),
        6 => (0..80_u64).prop_map(Misfortune::Death),
        4 => prop::sample::select(faults).prop_map(Misfortune::Journal),
        1 => Just(Misfortune::Away),
        2 => Just(Misfortune::StripeForgets),
    ]
}
