use crate::output::error::Cause;
pub(in crate::output) fn write(
    _: &crate::output::HistoryDocument<'_>,
    _: &mut dyn std::io::Write,
) -> Result<(), Cause> {
    Ok(())
}
