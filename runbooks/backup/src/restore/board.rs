//! Who does what next: chunks are loaded, then a table gets its keys, then it is compared. Pure.

use std::collections::VecDeque;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Load this chunk of this table.
    Load { table: usize, chunk: usize },
    /// Make the keys of this table.
    Key(usize),
    /// Compare this table.
    Compare(usize),
}

/// What a worker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// To do this.
    Do(Task),
    /// There may be something later.
    Wait,
    /// That was all.
    End,
}

/// What is done, under way and left.
#[derive(Debug)]
pub(crate) struct Board {
    tables: Vec<State>,
}

#[derive(Debug)]
struct State {
    /// Chunks that nobody has begun.
    waiting: VecDeque<usize>,
    /// Tasks under way.
    busy: usize,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Load,
    Key,
    Compare,
    Done,
}

impl Board {
    /// Of each table the chunks that are to be loaded.
    pub(crate) fn new(waiting: impl IntoIterator<Item = VecDeque<usize>>) -> Self {
        let table = |waiting: VecDeque<usize>| {
            let stage = if waiting.is_empty() { Stage::Key } else { Stage::Load };
            State { waiting, busy: 0, stage }
        };
        Self { tables: waiting.into_iter().map(table).collect() }
    }

    /// The next task of a worker who was last busy with a table. It stays with its table, then ends what is nearly done,
    /// then begins what nobody has begun, and only then shares a table with another: two in one table are in each
    /// other's way.
    pub(crate) fn next(&mut self, last: Option<usize>) -> Next {
        let own = last.filter(|table| !self.tables[*table].waiting.is_empty());
        let ending = || self.find(|state| state.busy == 0 && matches!(state.stage, Stage::Key | Stage::Compare));
        let fresh = || self.most(|state| state.busy == 0);
        let shared = || self.most(|_| true);
        let Some(table) = own.or_else(ending).or_else(fresh).or_else(shared) else {
            let over = self.tables.iter().all(|state| state.stage == Stage::Done);
            return if over { Next::End } else { Next::Wait };
        };
        let state = &mut self.tables[table];
        state.busy += 1;
        Next::Do(match (state.stage, state.waiting.pop_front()) {
            (_, Some(chunk)) => Task::Load { table, chunk },
            (Stage::Compare, None) => Task::Compare(table),
            (_, None) => Task::Key(table),
        })
    }

    /// A task is done.
    pub(crate) fn done(&mut self, task: Task) {
        let table = task.table();
        let state = &mut self.tables[table];
        state.busy -= 1;
        state.stage = match task {
            Task::Load { .. } if state.busy == 0 && state.waiting.is_empty() => Stage::Key,
            Task::Load { .. } => Stage::Load,
            Task::Key(_) => Stage::Compare,
            Task::Compare(_) => Stage::Done,
        };
    }

    fn find(&self, wanted: impl Fn(&State) -> bool) -> Option<usize> {
        self.tables.iter().position(wanted)
    }

    /// The table with the most to load.
    fn most(&self, wanted: impl Fn(&State) -> bool) -> Option<usize> {
        let left = self.tables.iter().enumerate().filter(|(_, state)| !state.waiting.is_empty() && wanted(state));
        left.max_by_key(|(_, state)| state.waiting.len()).map(|(table, _)| table)
    }
}

impl Task {
    pub(crate) fn table(self) -> usize {
        match self {
            Self::Load { table, .. } | Self::Key(table) | Self::Compare(table) => table,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any number of workers, ending in any order: each task once, in its order, and nobody waits for ever.
        #[test]
        fn everything_is_done_once_and_in_order(
            chunks in prop::collection::vec(0usize..5, 0..6), workers in 1usize..4, order in prop::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let mut board = Board::new(chunks.iter().map(|count| (0..*count).collect()));
            let mut running: Vec<(usize, Task)> = Vec::new();
            let mut last = vec![None; workers];
            let mut done = Vec::new();
            for pick in &order {
                for (worker, last) in last.iter_mut().enumerate() {
                    if running.iter().all(|(busy, _)| *busy != worker) && let Next::Do(task) = board.next(*last) {
                        *last = Some(task.table());
                        running.push((worker, task));
                    }
                }
                if running.is_empty() {
                    break;
                }
                let (_, task) = running.remove(pick.index(running.len()));
                board.done(task);
                done.push(task);
            }
            prop_assert_eq!(board.next(None), Next::End);
            for (table, count) in chunks.iter().enumerate() {
                let own: Vec<Task> = done.iter().copied().filter(|task| task.table() == table).collect();
                prop_assert_eq!(own.len(), count + 2);
                let loads = own[..*count].iter().filter(|task| matches!(task, Task::Load { .. })).count();
                prop_assert_eq!(loads, *count);
                prop_assert_eq!(&own[*count..], &[Task::Key(table), Task::Compare(table)]);
            }
        }
    }
}
