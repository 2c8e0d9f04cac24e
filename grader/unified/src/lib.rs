//! Nothing but dependencies: the features that libraries have.
//!
//! Cargo compiles a library anew for each set of its features, and a build has those that its packages ask for together. The
//! grader, the judges' libraries, the exercises, the book and the gradebook are built by themselves: without this crate, 26 libraries
//! would have other features in one build than in another, and these and all that depend on them be compiled up to five times.
//! So the crates that are part of every build depend on this one, and it asks for all features that any build needs.
//!
//! The grader's test `features` finds a library whose features differ; they are to be added here.
