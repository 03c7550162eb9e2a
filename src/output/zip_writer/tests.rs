//! The zip crate as the reader: its reader of streams refuses data descriptors.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zip::read::read_zipfile_from_stream;

use super::*;

/// Writes the entries in pieces of this many bytes.
fn written(entries: &BTreeMap<String, Vec<u8>>, piece: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = ZipWriter::new(&mut bytes, 6, &std::env::temp_dir());
    for (name, content) in entries {
        zip.start_file(name.as_str()).unwrap();
        content.chunks(piece).for_each(|piece| zip.write_all(piece).unwrap());
    }
    zip.finish().unwrap();
    bytes
}

/// The entries as they come from a pipe.
fn streamed(mut bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut entries = BTreeMap::new();
    while let Some(mut entry) = read_zipfile_from_stream(&mut bytes).unwrap() {
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(entry.size(), length(&content));
        assert!(entries.insert(entry.name().unwrap().into_owned(), content).is_none());
    }
    entries
}

/// The entries by the directory.
fn indexed(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(io::Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let read = |index: usize| {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.name().unwrap().into_owned(), content)
    };
    (0..count).map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn entries_read_back_from_a_stream_and_by_the_directory(
        entries in prop::collection::btree_map("[a-z财é/ ]{1,12}", prop::collection::vec(any::<u8>(), 0..3000), 0..8),
        piece in 1..4000_usize,
    ) {
        let bytes = written(&entries, piece);
        prop_assert_eq!(&streamed(&bytes), &entries);
        prop_assert_eq!(&indexed(&bytes), &entries);
        prop_assert_eq!(written(&entries, 4096), bytes, "the same bytes whatever the pieces");
    }
}

#[test]
fn entry_larger_than_memory_buffer_reads_back() {
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(3 * IN_MEMORY).collect();
    let entries = BTreeMap::from([
        ("a".to_owned(), b"before".to_vec()),
        ("b".to_owned(), noise),
        ("c".to_owned(), b"after".to_vec()),
    ]);
    let bytes = written(&entries, 1 << 16);
    assert_eq!(streamed(&bytes), entries);
    assert_eq!(indexed(&bytes), entries);
}

#[test]
fn rewritten_archive_has_no_data_descriptors() {
    let mut described = Vec::new();
    let mut zip = zip::ZipWriter::new_stream(&mut described);
    let stored = zip::write::SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, options) in [("deflated", zip::write::SimpleFileOptions::default()), ("stored", stored)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    assert!(read_zipfile_from_stream(&mut described.as_slice()).is_err());
    let entries = indexed(&described);
    let mut bytes = Vec::new();
    rewrite(described, &mut bytes).unwrap();
    assert_eq!(streamed(&bytes), entries);
    assert_eq!(indexed(&bytes), entries);
}

#[test]
fn entry_without_room_for_its_name_is_an_error() {
    let mut zip = ZipWriter::new(Vec::new(), 6, &std::env::temp_dir());
    assert!(zip.write_all(b"x").is_err(), "no entry was begun");
    zip.start_file("n".repeat(1 << 16)).unwrap();
    assert!(zip.finish().unwrap_err().to_string().contains("65,535"));
}

/// The headers of an entry of these sizes at this offset.
fn headers(compressed: u64, size: u64, offset: u64) -> (Vec<u8>, Vec<u8>) {
    let entry = Entry { name: "n".to_owned(), method: DEFLATED, crc: 7, compressed, size, offset };
    let (mut local, mut central) = (Vec::new(), Vec::new());
    entry.local_header(&mut local).unwrap();
    entry.central_header(&mut central).unwrap();
    (local, central)
}

fn field(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn zip64_is_used_from_the_first_value_that_does_not_fit() {
    let fits = u64::from(MAX_32) - 1;
    let (local, central) = headers(fits, fits, fits);
    assert_eq!((local.len(), central.len()), (31, 47), "no extra fields");
    assert_eq!([field(&local, 18), field(&central, 42)], [MAX_32 - 1; 2]);
    assert_eq!((local[4], central[6]), (20, 20));

    for (compressed, size) in [(9, fits + 1), (fits + 1, 9)] {
        let (local, central) = headers(compressed, size, 5);
        let extra = [&[1, 0, 16, 0][..], &size.to_le_bytes(), &compressed.to_le_bytes()].concat();
        assert_eq!((&local[31..], &central[47..]), (&extra[..], &extra[..]));
        assert_eq!(
            [field(&local, 18), field(&local, 22), field(&central, 20), field(&central, 24)],
            [MAX_32; 4]
        );
        assert_eq!((local[4], central[6], field(&central, 42)), (45, 45, 5));
    }

    let (local, central) = headers(9, 9, fits + 1);
    assert_eq!(local.len(), 31, "the local header has no offset");
    assert_eq!(&central[47..], [&[1, 0, 8, 0][..], &(fits + 1).to_le_bytes()].concat());
    assert_eq!((field(&central, 20), field(&central, 42)), (9, MAX_32));
}

#[test]
fn zip64_end_records_are_written_where_a_number_does_not_fit() {
    let fits = u64::from(MAX_32) - 1;
    assert_eq!(end(fits, 1, 65_534).len(), 22);
    assert_eq!(end(1, fits, 65_534).len(), 22);
    for (start, size, entries) in [(fits + 1, 1, 1), (1, fits + 1, 1), (1, 1, 65_535), (1, 1, 65_536)] {
        let records = end(start, size, entries);
        assert_eq!(records.len(), 56 + 20 + 22);
        assert_eq!(records[56 + 8..56 + 16], (start + size).to_le_bytes(), "where the first record is");
    }
}

#[test]
fn archive_of_more_entries_than_16_bits_count_reads_back() {
    let entries: BTreeMap<_, _> = (0..65_537).map(|n| (format!("{n}"), Vec::new())).collect();
    let bytes = written(&entries, 1);
    assert_eq!(streamed(&bytes).len(), entries.len());
    assert_eq!(ZipArchive::new(io::Cursor::new(bytes)).unwrap().len(), entries.len());
}
