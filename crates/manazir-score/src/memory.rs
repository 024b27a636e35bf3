//! What the process has cost at its highest.

/// Peak resident memory of this process in MiB, as the kernel counts it (`VmHWM`); `None` where
/// `/proc/self/status` does not exist.
pub fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn a_large_allocation_raises_the_peak() {
        let before = super::peak_rss_mib().unwrap();
        let block = vec![1u8; 256 << 20];
        assert!(block.iter().step_by(4096).all(|&byte| byte == 1));
        let after = super::peak_rss_mib().unwrap();
        assert!(after > before.max(250.0), "{before} {after}");
    }
}
