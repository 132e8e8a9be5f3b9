//! What watches the shop, and whom it tells.

mod alarm;
mod budget;
mod dashboard;
mod log_group;
mod schedule;
mod topic;
mod trail;
mod watches;

pub(crate) use alarm::Alarm;
pub(crate) use budget::MonthlyBudget;
pub(crate) use dashboard::Dashboard;
pub(crate) use log_group::LogGroup;
pub use schedule::daily_work_is_done;
pub(crate) use topic::Topic;
pub(crate) use trail::{Trail, trail_policy};
