//! Settings from JSON, with every name checked: a misspelt one would silently do nothing.

use crate::error::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Options as an object, from which each part takes those that are its own.
pub struct Options(Map<String, Value>);

impl Options {
    /// From the text of a JSON object.
    pub fn parse(json: &str) -> Result<Self> {
        match serde_json::from_str(json) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Error::setting("options", json, "an object", "")),
        }
    }

    /// The option `name` as itself, if it is given.
    pub fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let text = value.to_string();
                let wrong = |error: serde_json::Error| {
                    Error::setting(
                        name,
                        text,
                        "of the type that its documentation says",
                        error.to_string(),
                    )
                };
                serde_json::from_value(value).map(Some).map_err(wrong)
            }
        }
    }

    /// All options that are fields of `T`, the others keeping their defaults.
    pub fn take_fields<T: DeserializeOwned + Serialize + Default>(&mut self) -> Result<T> {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(T::default()) else {
            unreachable!("settings are a struct of plain data");
        };
        for (name, field) in &mut fields {
            let Some(value) = self.0.remove(name) else { continue };
            // One at a time, so that the message can name it.
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            if let Err(error) = serde_json::from_value::<T>(Value::Object(alone)) {
                return Err(Error::setting(
                    "an option",
                    format!("{name}: {value}"),
                    "valid",
                    error.to_string(),
                ));
            }
            *field = value;
        }
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| Error::setting("options", "given", "valid", error.to_string()))
    }

    /// What nobody took, for who checks the names himself.
    pub fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let hint = "Is it misspelt, or an option of another function?";
                Err(Error::setting(
                    "an option",
                    format!("{name:?}"),
                    "one that this function has",
                    hint,
                ))
            }
        }
    }
}

/// Plain data as JSON. Figures that are not finite become null, as in the log.
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain data")
}
