//! Fault injection, for a share of all requests.
//!
//! A fault replaces or damages a response; it never changes stored data.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// All requests: shares are integer millionths, so their sum is exact.
const WHOLE: u32 = 1_000_000;

/// The faults and their shares; none by default.
///
/// Written as `429=5%,500=2%,reset=1%,slow=1%:2s,truncate=1%,garbage=1%,huge=1%:128MiB,seed=7`. The
/// same seed gives the same decisions in the order in which requests arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    shares: Vec<(Fault, u32)>,
    seed: u64,
}

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The gateway's 429.
    Throttled,
    /// Another status, from 400 to 599.
    Status(u16),
    /// The connection is reset without a response.
    Reset,
    /// The correct response, delayed.
    Slow(Duration),
    /// The full length, half of the body, then the connection is closed.
    Truncate,
    /// 200 with bytes that are not JSON.
    Garbage,
    /// 200 with an HTML page, as from a proxy.
    Html,
    /// The correct response as `text/plain`.
    Type,
    /// The correct response, in small pieces over this time.
    Drip(Duration),
    /// The correct response after this many bytes of white space.
    Huge(u64),
}

/// Why a fault specification is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// A part without `=`.
    #[error("`{0}` is not KIND=SHARE% or seed=NUMBER, as in 429=5%,slow=1%:2s,seed=7")]
    NotKeyValue(String),
    /// An unknown kind.
    #[error(
        "unknown fault `{0}`; use a status from 400 to 599, reset, slow, truncate, garbage, html, type, drip, huge, or seed=NUMBER"
    )]
    Kind(String),
    /// An invalid share.
    #[error("`{0}`: the share must be a number from 0% to 100% with at most 4 decimals, as in 5% or 0.5%")]
    Share(String),
    /// `slow` or `drip` without a valid time.
    #[error("`{0}`: {1} needs a share and a time in ms, s or m of at most an hour, as in {1}=1%:2s")]
    Time(String, &'static str),
    /// `huge` without a valid size.
    #[error(
        "`{0}`: huge needs a share and a size in KiB, MiB or GiB of at most 1024 GiB, as in huge=1%:128MiB"
    )]
    Size(String),
    /// A time or size for a kind that takes none.
    #[error("`{0}`: only slow and drip take a time, and only huge a size")]
    UnexpectedParameter(String),
    /// An invalid seed.
    #[error("`{0}`: the seed must be a whole number from 0 to 18446744073709551615")]
    Seed(String),
    /// A repeated name.
    #[error("`{0}`: this name was given before")]
    Repeated(String),
    /// More than all requests.
    #[error("the shares add up to {0}%; at most 100% is allowed")]
    Sum(String),
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        if text.trim().is_empty() {
            return Ok(faults);
        }
        let mut names: Vec<&str> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| FaultsError::NotKeyValue(part.to_owned()))?;
            let (name, value) = (name.trim(), value.trim());
            if names.contains(&name) {
                return Err(FaultsError::Repeated(part.to_owned()));
            }
            names.push(name);
            if name == "seed" {
                faults.seed = value.parse().map_err(|_| FaultsError::Seed(part.to_owned()))?;
            } else {
                faults.shares.push(fault(name, value, part)?);
            }
        }
        let sum: u64 = faults.shares.iter().map(|(_, share)| u64::from(*share)).sum();
        if sum > u64::from(WHOLE) {
            return Err(FaultsError::Sum(percent(sum)));
        }
        Ok(faults)
    }
}

fn fault(name: &str, value: &str, part: &str) -> Result<(Fault, u32), FaultsError> {
    let (share_text, more) = match value.split_once(':') {
        Some((share, more)) => (share, Some(more)),
        None => (value, None),
    };
    let time = |kind| more.and_then(duration).ok_or_else(|| FaultsError::Time(part.to_owned(), kind));
    let fault = match name {
        "429" => Fault::Throttled,
        "reset" => Fault::Reset,
        "slow" => Fault::Slow(time("slow")?),
        "truncate" => Fault::Truncate,
        "garbage" => Fault::Garbage,
        "html" => Fault::Html,
        "type" => Fault::Type,
        "drip" => Fault::Drip(time("drip")?),
        "huge" => Fault::Huge(more.and_then(size).ok_or_else(|| FaultsError::Size(part.to_owned()))?),
        _ => Fault::Status(status(name).ok_or_else(|| FaultsError::Kind(name.to_owned()))?),
    };
    if more.is_some() && !matches!(fault, Fault::Slow(_) | Fault::Drip(_) | Fault::Huge(_)) {
        return Err(FaultsError::UnexpectedParameter(part.to_owned()));
    }
    let share = share(share_text).ok_or_else(|| FaultsError::Share(part.to_owned()))?;
    Ok((fault, share))
}

fn status(name: &str) -> Option<u16> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|status| digits && (400..600).contains(status))
}

/// Parses a percentage to millionths, without floating point.
fn share(text: &str) -> Option<u32> {
    let number = text.trim().strip_suffix('%')?.trim();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 4 {
        return None;
    }
    let share = whole.parse::<u32>().ok()? * 10_000 + format!("{decimals:0<4}").parse::<u32>().ok()?;
    (share <= WHOLE).then_some(share)
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = quantity(text)?;
    let milliseconds = number.checked_mul(match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return None,
    })?;
    (milliseconds <= 3_600_000).then(|| Duration::from_millis(milliseconds))
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = quantity(text)?;
    let bytes = number.checked_mul(match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    })?;
    (bytes <= 1 << 40).then_some(bytes)
}

/// A whole number and its unit.
fn quantity(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    Some((number.parse().ok()?, unit.trim()))
}

fn percent(millionths: u64) -> String {
    let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Selects a fault for each request.
#[derive(Debug)]
pub(super) struct FaultSampler {
    faults: Faults,
    rng: Mutex<fastrand::Rng>,
}

impl FaultSampler {
    pub(super) fn new(faults: Faults) -> Self {
        let rng = Mutex::new(fastrand::Rng::with_seed(faults.seed));
        Self { faults, rng }
    }

    /// The fault of the next request, if it has one.
    pub(super) fn roll(&self) -> Option<Fault> {
        if self.faults.shares.is_empty() {
            return None;
        }
        let mut left = self.rng.lock().unwrap_or_else(PoisonError::into_inner).u32(0..WHOLE);
        for (fault, share) in &self.faults.shares {
            if left < *share {
                return Some(*fault);
            }
            left -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_fault_specification_is_parsed() {
        let faults: Faults =
            "429=5%, 500=2%,404=0.5%,reset=1%,slow=1%:2s,truncate=1%,garbage=1%,html=0.0001%,type=1%,drip=1%:1m,huge=1%:128MiB,seed=7"
                .parse()
                .unwrap();
        assert_eq!(faults.seed, 7);
        assert_eq!(
            faults.shares,
            [
                (Fault::Throttled, 50_000),
                (Fault::Status(500), 20_000),
                (Fault::Status(404), 5_000),
                (Fault::Reset, 10_000),
                (Fault::Slow(Duration::from_secs(2)), 10_000),
                (Fault::Truncate, 10_000),
                (Fault::Garbage, 10_000),
                (Fault::Html, 1),
                (Fault::Type, 10_000),
                (Fault::Drip(Duration::from_secs(60)), 10_000),
                (Fault::Huge(128 << 20), 10_000),
            ]
        );
        assert_eq!("".parse(), Ok(Faults::default()));
        assert!("slow=1%:250ms".parse::<Faults>().is_ok());
    }

    #[test]
    fn invalid_fault_is_reported_with_allowed_values() {
        let bad = [
            ("429", "`429` is not KIND=SHARE%"),
            ("429=5%,", "`` is not KIND=SHARE%"),
            ("399=5%", "unknown fault `399`; use a status from 400 to 599, reset"),
            ("+500=5%", "unknown fault `+500`"),
            ("600=5%", "unknown fault `600`"),
            ("gargle=5%", "unknown fault `gargle`"),
            ("429=5", "`429=5`: the share must be"),
            ("429=-5%", "`429=-5%`: the share must be"),
            ("429=101%", "`429=101%`: the share must be"),
            ("429=1e1%", "`429=1e1%`: the share must be"),
            ("429=0.00001%", "`429=0.00001%`: the share must be"),
            ("429=%", "`429=%`: the share must be"),
            ("slow=5%", "`slow=5%`: slow needs"),
            ("slow=5%:2", "`slow=5%:2`: slow needs"),
            ("slow=5%:2h", "`slow=5%:2h`: slow needs"),
            ("slow=5%:s", "`slow=5%:s`: slow needs"),
            ("slow=5%:61m", "`slow=5%:61m`: slow needs"),
            ("drip=5%", "`drip=5%`: drip needs"),
            ("huge=5%", "`huge=5%`: huge needs"),
            ("huge=5%:4", "`huge=5%:4`: huge needs"),
            ("huge=5%:2s", "`huge=5%:2s`: huge needs"),
            ("huge=5%:1025GiB", "`huge=5%:1025GiB`: huge needs"),
            ("html=5%:2s", "`html=5%:2s`: only slow and drip take a time"),
            ("500=5%:2s", "`500=5%:2s`: only slow"),
            ("seed=x", "`seed=x`: the seed must be"),
            ("500=1%,500=2%", "`500=2%`: this name"),
            ("500=60%,reset=40.5%", "the shares add up to 100.5%; at most 100%"),
        ];
        for (text, message) in bad {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn seeded_faults_are_reproducible_and_match_shares() {
        let faults: Faults = "500=20%,reset=10%,seed=7".parse().unwrap();
        let rolls =
            |fault_sampler: &FaultSampler| (0..10_000).map(|_| fault_sampler.roll()).collect::<Vec<_>>();
        let first = rolls(&FaultSampler::new(faults.clone()));
        assert_eq!(first, rolls(&FaultSampler::new(faults)));
        let count = |fault| first.iter().filter(|roll| **roll == fault).count();
        assert!((1_800..2_200).contains(&count(Some(Fault::Status(500)))));
        assert!((850..1_150).contains(&count(Some(Fault::Reset))));
        assert!(rolls(&FaultSampler::new(Faults::default())).iter().all(Option::is_none));
        assert!(
            rolls(&FaultSampler::new("html=100%".parse().unwrap()))
                .iter()
                .all(|roll| *roll == Some(Fault::Html))
        );
    }
}
