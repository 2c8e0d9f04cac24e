//! From a worker to a grade: the judge, the evidence, what the reference answered, the misconceptions that are named, batches and reports.

mod answers;
pub mod batch;
pub mod grade;
pub mod judge;
pub mod ledger;
pub mod lesson;
pub mod naming;
pub mod places;
pub mod reference;
pub mod report;
pub mod rules;
pub mod seed;
pub mod stage;
pub mod variants;
pub mod verdict;
