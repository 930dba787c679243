//! Sizes in bytes, for people.

/// `734 B`, `12 KiB`, `240 MiB`, `1.4 GiB`
pub fn show(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    const GIB: u64 = 1024 * MIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", bytes / KIB),
        MIB..GIB => format!("{} MiB", bytes / MIB),
        GIB.. => format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            ((1 << 20) - 1, "1023 KiB"),
            (5 << 20, "5 MiB"),
            (3 << 29, "1.5 GiB"),
            ((2 << 30) - 1, "1.9 GiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(show(bytes), shown);
        }
    }
}
