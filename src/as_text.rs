//! Values that files hold as text: what serde needs for `#[serde(into = "String", try_from = "String")]`.

/// To and from a `String`, by `Display` and `FromStr`.
macro_rules! as_text {
    ($type:ty) => {
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::Error;

            fn try_from(text: String) -> $crate::error::Result<Self> {
                text.parse()
            }
        }
    };
}
pub(crate) use as_text;
