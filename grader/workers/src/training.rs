//! What trains a model inside its worker.

mod adamw;

pub use adamw::AdamW;
