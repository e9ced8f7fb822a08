//! The text of a header: a Python dictionary with three keys, as `numpy.lib.format` describes it.

/// What the text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// A type such as `<f4`; of several fields the list as it stands.
    pub descr: String,
    /// Whether columns lie one after the other, rather than rows.
    pub fortran: bool,
    pub shape: Vec<u64>,
}

impl Header {
    /// Reads the text. The problem, if there is one, completes "the header is malformed: ".
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        for entry in parts(inner.ok_or("it is no dictionary")?)? {
            let (key, value) = key_and_value(entry)?;
            match key {
                "descr" => descr = Some(quoted(value).unwrap_or(value).to_string()),
                "fortran_order" => fortran = Some(truth(value)?),
                "shape" => shape = Some(numbers(value)?),
                _ => return Err(format!("it has an unknown key {key:?}")),
            }
        }
        let missing = |key| format!("it has no {key:?}");
        Ok(Self {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }
}

/// What stands between commas outside of quotes and brackets; nothing may stand behind the last comma.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut depth, mut quote) = (0usize, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(end), _) if letter == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.checked_sub(1).ok_or("a bracket too many")?,
            (None, ',') if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quote.is_some() {
        return Err("a bracket or a quote is not closed".into());
    }
    parts.push(text[start..].trim());
    if parts.last() == Some(&"") {
        parts.pop();
    }
    Ok(parts)
}

fn key_and_value(entry: &str) -> Result<(&str, &str), String> {
    let found = entry.split_once(':').and_then(|(key, value)| Some((quoted(key)?, value.trim())));
    found.ok_or_else(|| format!("{entry:?} is no key with a value"))
}

/// What stands within a pair of quotes.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim();
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "True" => Ok(true),
        "False" => Ok(false),
        _ => Err(format!("fortran_order is {text:?}, neither True nor False")),
    }
}

/// A tuple. Python 2 wrote `3L` for large machines' 3.
fn numbers(text: &str) -> Result<Vec<u64>, String> {
    let wrong = || format!("the shape is {text:?}, no tuple of sizes");
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).ok_or_else(wrong)?;
    let number = |part: &str| part.strip_suffix('L').unwrap_or(part).parse().map_err(|_| wrong());
    parts(inner)?.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, fortran: bool, shape: &[u64]) -> Result<Header, String> {
        Ok(Header { descr: descr.into(), fortran, shape: shape.into() })
    }

    #[test]
    fn what_numpy_writes() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n";
        assert_eq!(Header::parse(text), header("<f4", false, &[3, 4]));
        let text = "{'descr': '<f8', 'fortran_order': True, 'shape': (7,), }";
        assert_eq!(Header::parse(text), header("<f8", true, &[7]));
        let text = "{'descr': [('a,}', '<f4'), ('b', '<i2', (2, 2))], 'fortran_order': False, 'shape': (), }";
        assert_eq!(
            Header::parse(text),
            header("[('a,}', '<f4'), ('b', '<i2', (2, 2))]", false, &[])
        );
    }

    #[test]
    fn what_others_write() {
        let text = "{\"shape\":(3L,4L),\"fortran_order\":False,\"descr\":\">f2\"}";
        assert_eq!(Header::parse(text), header(">f2", false, &[3, 4]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let whole = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
        for (part, other, problem) in [
            (whole, "", "no dictionary"),
            (whole, "{", "no dictionary"),
            (whole, "{,}", "no key"),
            (whole, "{)}", "a bracket too many"),
            (whole, "{'descr}", "not closed"),
            ("(3, 4)", "((3, 4)", "not closed"),
            ("(3, 4)", "(3, -4)", "no tuple"),
            ("(3, 4)", "(3,, 4)", "no tuple"),
            ("(3, 4)", "(3, 99999999999999999999)", "no tuple"),
            ("(3, 4)", "12", "no tuple"),
            ("False", "0", "neither True nor False"),
            ("'shape'", "'form'", "unknown key \"form\""),
            ("'shape': (3, 4), ", "", "no \"shape\""),
            ("'descr': '<f4', ", "", "no \"descr\""),
            ("'fortran_order'", "'descr'", "no \"fortran_order\""),
        ] {
            let error = Header::parse(&whole.replace(part, other)).unwrap_err();
            assert!(error.contains(problem), "{error} for {problem}");
        }
    }
}
