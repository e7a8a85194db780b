//! The id of this process: the end of its runs' names, and in the user agent of its calls, so that
//! an entry in CloudTrail leads to the run in `history` and back.

use std::sync::OnceLock;

/// Six hexadecimal digits, the same for the whole process.
pub fn process_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| format!("{:06x}", rand::random::<u32>() & 0xff_ffff))
}
