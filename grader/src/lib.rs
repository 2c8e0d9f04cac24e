//! The grader: from submissions that nobody trusts to grades that everybody can.
//!
//! A submission is taken in ([`intake`]), held against what sources may not say ([`rules`]), compiled ([`compile`]) into a
//! *worker* with the libraries that were built once for the whole class ([`workshop`]), tried by a *judge* in another
//! process ([`judge`]), and counted ([`grade`]); what it got wrong is held against known mistakes ([`naming`]). Many are graded at a time ([`batch`]); finished results are kept
//! ([`ledger`]) and shown ([`report`]). Whatever runs or compiles a submission's code is started in one place
//! ([`confine`], [`process`]), in a folder of its own ([`scratch`]), and watched from outside while it runs ([`watch`]).
//!
//! [`course`] is what the exercises' manifests say, [`limits`] what code may take, [`lesson`] what their tests say of themselves. [`proof`] shows
//! that all this can tell right from wrong, [`attack`] that it cannot be cheated; [`suites`] runs the project's own
//! tests. A worker that runs is a [`session`]: [`ask`] asks one, [`train`] has it learn, [`draw`] makes [`picture`]s of
//! what it gives, [`cost`] counts what a model takes, [`data`] knows the data sets. [`setup`] gets libtorch, [`doctor`]
//! says what a machine lacks. Before a batch, the [`mod@reference`] shows that the machine grades as it must; [`signals`] stop it.

pub mod ask;
pub mod attack;
pub mod batch;
pub mod broken;
pub mod cli;
pub mod command;
pub mod compile;
pub mod confine;
pub mod cost;
pub mod course;
pub mod data;
pub mod doctor;
pub mod draw;
pub mod environment;
pub mod exit;
pub mod grade;
pub mod intake;
pub mod judge;
pub mod lanes;
pub mod ledger;
pub mod lesson;
pub mod libtorch;
pub mod limits;
pub mod naming;
pub mod picture;
pub mod process;
pub mod proof;
pub mod reference;
pub mod report;
pub mod rules;
pub mod scratch;
pub mod seed;
pub mod session;
pub mod setup;
pub mod signals;
pub mod stage;
pub mod suites;
pub mod train;
pub mod verdict;
pub mod watch;
pub mod workshop;
