//! Values and units in Chinese.

/// By English text.
pub(super) const CHINESE: &[(&str, &str)] = &[
    ("{0} h", "{0}小时"),
    ("{0} min", "{0}分钟"),
    ("{0} s", "{0}秒"),
    ("{0} h {1} min", "{0}小时{1}分钟"),
    // Check results; the service documents only the first.
    ("success", "成功"),
    ("failed", "失败"),
    // The mode of a verification.
    ("quick", "快速校验"),
];
