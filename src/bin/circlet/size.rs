//! Sizes on the command line.

/// Reads a number of bytes such as `65536`, `64KiB`, `4MiB` or `1GiB`.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let shift = match unit {
        "" | "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        _ => None,
    };
    let size =
        number.parse::<usize>().ok().zip(shift).and_then(|(number, shift)| number.checked_mul(1 << shift));
    size.ok_or_else(|| "give a number of bytes, as in 65536, 64KiB or 4MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        assert_eq!(
            ["7", "7B", "64KiB", "4MiB", "1GiB"].map(|text| parse_size(text).unwrap()),
            [7, 7, 65_536, 4 << 20, 1 << 30]
        );
        for wrong in ["", "KiB", "-1", "1.5MiB", "4MB", "99999999999999999999", "99999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
