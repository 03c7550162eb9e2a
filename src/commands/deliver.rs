//! `deliver`: the files of a run to tickets and mailboxes, exactly once.

use crate::cli::DeliverArgs;
use crate::storage::Storage;

use crate::app::console;
use crate::app::delivery::Delivery;
use crate::app::exit::{Exit, Failure};

pub(super) fn run(args: &DeliverArgs, storage: &Storage) -> Result<Exit, Failure> {
    let delivery = Delivery::of(&args.delivery, args.trust.ca_cert.as_deref())?;
    let delivery =
        delivery.ok_or_else(|| Failure::usage("deliver needs a ticket or mail address; add --to URL"))?;
    if args.dry_run {
        return delivery.dry_run(&args.manifest, storage).map(|()| Exit::Done);
    }
    delivery.run(&args.manifest, None, storage, |address| console::out(address).map(drop))?;
    Ok(Exit::Done)
}
