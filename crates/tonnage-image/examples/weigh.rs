//! Weighs the images of an archive: `cargo run -p tonnage-image --example weigh -- image.tar`
//!
//! The archive is what `docker save` or `podman save` writes, or an OCI layout as a tar or a directory; `-` reads
//! standard input.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use std::error::Error;
use std::path::Path;

use tonnage_image::facts::WireKind;
use tonnage_image::text::Untrusted;
use tonnage_image::{Options, ReportOptions, Weigher, weigh};

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args_os().nth(1).ok_or("usage: weigh ARCHIVE")?;
    let mut weigher = Weigher::new(Options::default());
    let images = match target.to_str() {
        Some("-") => weigher.read_archive(std::io::stdin().lock())?,
        _ => weigher.read_path(Path::new(&target))?,
    };
    for image in &images {
        let weight = weigh(image, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 5 });
        let sizes = &weight.sizes;
        let name = image.tags.first().unwrap_or(&image.config_digest);
        println!("{} ({})", Untrusted(name), Untrusted(&weight.platform));
        println!("  size         {}", sizes.size_bytes);
        println!("  visible      {}", sizes.rootfs_bytes);
        println!("  reclaimable  {}", sizes.reclaimable_bytes);
        println!("  duplicates   {}", sizes.duplicate_bytes);
        let about = if sizes.wire_kind == WireKind::Exact { "" } else { "about " };
        println!("  compressed   {about}{}", sizes.wire_bytes);
        for layer in &weight.layers {
            println!("  layer  {:>9}  {}", layer.size_bytes, Untrusted(&layer.instruction));
        }
        for package in weight.packages.iter().take(5) {
            let (name, version) = (Untrusted(&package.name), Untrusted(&package.version));
            println!("  {:<6} {:>9}  {name} {version}", package.manager, package.size_bytes);
        }
        for finding in &weight.findings {
            println!("  finding: {}", Untrusted(&finding.message));
        }
    }
    Ok(())
}
