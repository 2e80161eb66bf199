//! Input without an end, blobs that are not what their names say, and what memory goes for.

use std::io::{self, Read};
use std::slice::from_ref;

use super::chain;
use super::hostile::{header, octal};
use crate::merge::tree::{Inode, Node};
use crate::read::layer::LayerEntry;
use crate::testing::archives::{archive, digest, layer, oci, zeros};
use crate::{DiffIds, Excess, ImageError, Limits, Options, Weigher};

fn gzip_at(level: u32, content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(content, flate2::Compression::new(level));
    let mut packed = Vec::new();
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

/// The same bytes again and again.
struct Entries(Vec<u8>, usize);
impl Read for Entries {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        out[0] = self.0[self.1 % self.0.len()];
        self.1 += 1;
        Ok(1)
    }
}

#[test]
fn input_without_an_end_ends_in_an_error() {
    // What looks like the end of a tar, and goes on.
    let error = Weigher::new(Options::default()).read_archive(io::repeat(0)).unwrap_err();
    assert!(error.to_string().contains("follow the end"), "{error}");
    let limits = Limits { unpacked_bytes: 1 << 20, ..Limits::default() };
    let mut weigher = Weigher::new(Options { limits, ..Options::default() });
    // A file that is as large as it says.
    let endless = io::Cursor::new(header(b"a", b'0', b"77777777777\0")).chain(io::repeat(1));
    let error = weigher.read_archive(endless).unwrap_err();
    assert_eq!(error.excess(), Some(Excess::Unpacked), "{}", chain(&error));
    // Entries on and on.
    let error = weigher.read_archive(Entries(header(b"d/", b'5', &octal(0)), 0)).unwrap_err();
    assert_eq!(error.excess(), Some(Excess::Unpacked), "{}", chain(&error));
}

#[test]
fn a_blob_that_is_not_its_digest_is_refused() {
    let plain = layer(&[zeros("a", 200_000)]);
    let mut members = oci(from_ref(&plain), |layer| gzip_at(9, layer));
    let name = format!("blobs/sha256/{}", digest(&gzip_at(9, &plain)));
    let blob = members.iter_mut().find(|(path, _)| *path == name).unwrap();
    // The same layer, and larger: its compressed size would be wrong.
    blob.1 = gzip_at(0, &plain);
    let error = Weigher::new(Options::default()).read_archive(&archive(&members)[..]).unwrap_err();
    assert!(matches!(&error, ImageError::Layer { what, .. } if what.contains("not its name")), "{error}");
    // Bytes behind the last frame are transferred as well.
    let packed = [gzip_at(9, &plain), vec![0; 100]].concat();
    let length = packed.len() as u64;
    let pack: fn(&[u8]) -> Vec<u8> = |layer| [gzip_at(9, layer), vec![0; 100]].concat();
    match Weigher::new(Options::default()).read_archive(&archive(&oci(from_ref(&plain), pack))[..]) {
        Ok(images) => assert_eq!(images[0].layers[0].wire_bytes, length),
        Err(error) => assert!(matches!(error, ImageError::Layer { .. }), "{error}"),
    }
    // Who does not want digests checked gets none checked.
    let options = Options { diff_ids: DiffIds::Claimed, ..Options::default() };
    assert!(Weigher::new(options).read_archive(&archive(&members)[..]).is_ok());
    // Of a plain layer, whose digest is its diff id.
    let mut members = oci(from_ref(&plain), <[u8]>::to_vec);
    let blob = members.iter_mut().find(|(path, _)| path.ends_with(&digest(&plain))).unwrap();
    blob.1.push(0);
    assert!(matches!(
        Weigher::new(Options::default()).read_archive(&archive(&members)[..]),
        Err(ImageError::Layer { .. } | ImageError::DiffId { .. })
    ));
}

#[test]
fn a_zstd_window_counts_as_memory() {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(24).unwrap();
    io::copy(&mut &layer(&[zeros("a", 100)])[..], &mut encoder).unwrap();
    let blob = encoder.finish().unwrap();
    let packed = oci(&[layer(&[zeros("a", 100)])], |_| Vec::new());
    let name = format!("blobs/sha256/{}", digest(b""));
    let members: Vec<_> = packed
        .into_iter()
        .map(|(path, content)| if path == name { (path, blob.clone()) } else { (path, content) })
        .collect();
    let read = |window_bytes| {
        let limits = Limits { window_bytes, ..Limits::default() };
        let options = Options { limits, diff_ids: DiffIds::Claimed, ..Options::default() };
        Weigher::new(options).read_archive(&archive(&members)[..])
    };
    assert!(read(16 << 20).is_ok());
    assert_eq!(read(8 << 20).unwrap_err().excess(), Some(Excess::Memory));
}

#[test]
fn an_entry_takes_the_memory_that_the_documentation_says() {
    assert_eq!(
        (size_of::<LayerEntry>(), size_of::<Node<'_>>(), size_of::<Inode>(), size_of::<((u32, &[u8]), u32)>()),
        (32, 40, 20, 32)
    );
}
