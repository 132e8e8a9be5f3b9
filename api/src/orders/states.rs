//! The states of an order and every way between them, in one table.
//!
//! What a move does to stock follows from the two states: each says whether the order's items are promised to it, have
//! left the house, or are anybody's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inventory::stock::Movement;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
pub(crate) enum Status {
    /// Its items wait for its payment, until it expires.
    PendingPayment,
    /// It will be paid at the door.
    Confirmed,
    /// It is paid.
    Paid,
    /// It was paid after its items had been given up, and they are sold or not wanted: a person has to decide.
    PaidOutOfStock,
    /// It is packed.
    Fulfilled,
    /// It is on its way.
    Shipped,
    /// It has arrived.
    Delivered,
    /// It was called off.
    Cancelled,
    /// It was not paid in time.
    Expired,
    /// All that was paid was given back.
    Refunded,
}

/// Whose an order's items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stock {
    /// Promised to the order.
    Held,
    /// No longer in the house.
    Gone,
    /// Anybody's.
    Free,
}

use Status::{
    Cancelled, Confirmed, Delivered, Expired, Fulfilled, Paid, PaidOutOfStock, PendingPayment, Refunded, Shipped,
};

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 10] =
        [PendingPayment, Confirmed, Paid, PaidOutOfStock, Fulfilled, Shipped, Delivered, Cancelled, Expired, Refunded];

    /// Where it can go from here.
    pub(crate) const fn next(self) -> &'static [Self] {
        match self {
            PendingPayment => &[Paid, Cancelled, Expired],
            Confirmed => &[Paid, Fulfilled, Cancelled],
            Paid => &[Fulfilled, Refunded],
            PaidOutOfStock => &[Paid, Refunded],
            Fulfilled => &[Shipped, Cancelled, Refunded],
            // Who does not take it at the door cancels it. The goods come back by a correction of stock, looked at.
            Shipped => &[Delivered, Cancelled, Refunded],
            Delivered => &[Refunded],
            // The payment came after all. Who cancelled does not want the goods any more, but has to get the money back.
            Expired => &[Paid, PaidOutOfStock],
            Cancelled => &[PaidOutOfStock],
            Refunded => &[],
        }
    }

    const fn stock(self) -> Stock {
        match self {
            PendingPayment | Confirmed | Paid | Fulfilled => Stock::Held,
            Shipped | Delivered => Stock::Gone,
            PaidOutOfStock | Cancelled | Expired | Refunded => Stock::Free,
        }
    }

    /// What going there does to the stock of the order's items.
    pub(crate) const fn movement(self, to: Self) -> Option<Movement> {
        match (self.stock(), to.stock()) {
            (Stock::Held, Stock::Free) => Some(Movement::Release),
            (Stock::Held, Stock::Gone) => Some(Movement::Take),
            (Stock::Free, Stock::Held) => Some(Movement::Reserve),
            _ => None,
        }
    }

    /// As it is in the database and in answers.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            PendingPayment => "pending_payment",
            Confirmed => "confirmed",
            Paid => "paid",
            PaidOutOfStock => "paid_out_of_stock",
            Fulfilled => "fulfilled",
            Shipped => "shipped",
            Delivered => "delivered",
            Cancelled => "cancelled",
            Expired => "expired",
            Refunded => "refunded",
        }
    }
}

/// A text that names no status.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no status of an order")]
pub(crate) struct UnknownStatus(String);

impl TryFrom<String> for Status {
    type Error = UnknownStatus;

    fn try_from(code: String) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.code() == code).ok_or(UnknownStatus(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_what_json_says_and_lead_back() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.code());
            assert_eq!(Status::try_from(status.code().to_owned()).unwrap(), status);
        }
        assert!(Status::try_from("lost".to_owned()).is_err());
    }

    #[test]
    fn every_state_is_reached_and_only_a_refund_ends_it() {
        let mut reached = vec![PendingPayment, Confirmed];
        let mut at = 0;
        while at < reached.len() {
            reached.extend(reached[at].next().iter().filter(|next| !reached.contains(next)).collect::<Vec<_>>());
            at += 1;
        }
        assert_eq!(reached.len(), Status::ALL.len(), "{reached:?}");
        let ends: Vec<Status> = Status::ALL.into_iter().filter(|status| status.next().is_empty()).collect();
        assert_eq!(ends, [Refunded]);
    }

    /// The books of one variant.
    #[derive(Debug, Clone, Copy)]
    struct Books {
        on_hand: i32,
        reserved: i32,
        gone: i32,
    }

    impl Books {
        fn shift(&mut self, movement: Movement, quantity: i32) -> bool {
            match movement {
                Movement::Reserve if self.on_hand - self.reserved < quantity => return false,
                Movement::Reserve => self.reserved += quantity,
                Movement::Release => self.reserved -= quantity,
                Movement::Take => {
                    self.reserved -= quantity;
                    self.on_hand -= quantity;
                    self.gone += quantity;
                }
            }
            true
        }
    }

    proptest! {
        /// Whatever ways many orders of one variant take, the books agree with where the orders stand.
        #[test]
        fn no_walk_upsets_the_books(
            stock in 0..20_i32,
            quantities in prop::collection::vec(1..=10_i32, 1..12),
            steps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..200),
        ) {
            let mut books = Books { on_hand: stock, reserved: 0, gone: 0 };
            let mut orders: Vec<(Status, i32)> = Vec::new();
            for quantity in quantities {
                if books.shift(Movement::Reserve, quantity) {
                    orders.push((PendingPayment, quantity));
                }
            }
            for (which, way) in steps {
                if orders.is_empty() {
                    break;
                }
                let (status, quantity) = which.get_mut(&mut orders);
                if status.next().is_empty() {
                    continue;
                }
                let to = *way.get(status.next());
                if status.movement(to).is_none_or(|movement| books.shift(movement, *quantity)) {
                    *status = to;
                }
                let held: i32 = orders.iter().filter(|o| o.0.stock() == Stock::Held).map(|o| o.1).sum();
                prop_assert_eq!(books.reserved, held);
                prop_assert!(books.reserved <= books.on_hand && books.reserved >= 0);
                prop_assert_eq!(books.on_hand + books.gone, stock);
            }
        }
    }
}
