//! What somebody who learns uses besides `check`: the working copy checked again at each save ([`watch`]).

pub mod watch;
