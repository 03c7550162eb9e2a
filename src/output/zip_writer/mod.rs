//! ZIP files that every reader accepts, those included that read from a pipe.
//!
//! An entry is deflated into a buffer before its header is written, so the local header holds the CRC-32 and
//! both sizes: there are no data descriptors, nothing is patched later, and ZIP64 fields appear exactly where
//! a value does not fit without them. Times and attributes are fixed: equal contents are equal bytes.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to
//! 4.3.16 (end records), 4.4 (fields) and 4.5.3 (ZIP64).

#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use tempfile::SpooledTempFile;
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::error::Cause;

/// Compressed bytes of one entry that stay in memory; more of them go to an unnamed file.
const IN_MEMORY: usize = 1 << 20;

const LOCAL_HEADER: u32 = 0x0403_4B50;
const CENTRAL_HEADER: u32 = 0x0201_4B50;
const END: u32 = 0x0605_4B50;
const ZIP64_END: u32 = 0x0606_4B50;
const ZIP64_LOCATOR: u32 = 0x0706_4B50;
/// The extra field with 64-bit values.
const ZIP64_FIELD: u16 = 1;

/// The version of the format that deflated entries need, and the one that ZIP64 needs.
const VERSION: u16 = 20;
const ZIP64_VERSION: u16 = 45;
/// The attributes are those of Unix.
const UNIX: u16 = 3 << 8;
/// A regular file that all may read and its owner may write.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// The flag for names in UTF-8.
const UTF8: u16 = 1 << 11;
/// 1980-01-01 00:00, the earliest time that there is.
const TIME: u16 = 0;
const DATE: u16 = 1 << 5 | 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The values that say that the ZIP64 fields have the right one.
const MAX_16: u16 = u16::MAX;
const MAX_32: u32 = u32::MAX;

/// Writes a ZIP file from front to back.
pub(super) struct ZipWriter<W> {
    to: W,
    /// Bytes written to `to`.
    position: u64,
    entries: Vec<Entry>,
    deflater: DeflateEncoder<SpooledTempFile>,
    /// An empty buffer to exchange with the deflater's.
    spare: Option<SpooledTempFile>,
    /// The folder for what does not fit into memory.
    folder: PathBuf,
    /// The entry that is being written.
    open: Option<Open>,
}

struct Open {
    name: String,
    crc: Hasher,
    size: u64,
}

/// An entry, as both headers describe it.
struct Entry {
    name: String,
    /// The number of the compression method.
    method: u16,
    crc: u32,
    compressed: u64,
    size: u64,
    /// Where its local header begins.
    offset: u64,
}

impl<W: Write> ZipWriter<W> {
    /// A file without entries yet. `level` is that of the compression, 0 to 9; entries that are large when
    /// compressed are put aside in `folder`.
    pub(super) fn new(to: W, level: u32, folder: &Path) -> Self {
        let spool = SpooledTempFile::new_in(IN_MEMORY, folder);
        Self {
            to,
            position: 0,
            entries: Vec::new(),
            deflater: DeflateEncoder::new(spool, Compression::new(level)),
            spare: None,
            folder: folder.to_owned(),
            open: None,
        }
    }

    /// Begins an entry; what is written from now on is its content.
    pub(super) fn start_file(&mut self, name: impl Into<String>) -> io::Result<()> {
        self.finish_entry()?;
        self.open = Some(Open { name: name.into(), crc: Hasher::new(), size: 0 });
        Ok(())
    }

    /// Copies an entry of another archive under this name, compressed as it is there.
    pub(super) fn copy<R: Read>(
        &mut self,
        name: impl Into<String>,
        mut from: ZipFile<'_, R>,
    ) -> io::Result<()> {
        self.finish_entry()?;
        let method = match from.compression() {
            CompressionMethod::Stored => STORED,
            CompressionMethod::Deflated => DEFLATED,
            other => return Err(io::Error::other(format!("an entry is compressed with {other}"))),
        };
        let (crc, compressed, size) = (from.crc32(), from.compressed_size(), from.size());
        let entry = Entry { name: name.into(), method, crc, compressed, size, offset: self.position };
        self.append(entry, &mut from)
    }

    /// Writes what ends the file, and flushes it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.finish_entry()?;
        let Self { mut to, position: start, entries, .. } = self;
        let mut size = 0;
        let mut headers = Vec::new();
        for some in entries.chunks(1 << 10) {
            headers.clear();
            some.iter().try_for_each(|entry| entry.central_header(&mut headers))?;
            to.write_all(&headers)?;
            size += length(&headers);
        }
        to.write_all(&end(start, size, length(&entries)))?;
        to.flush()
    }

    /// Writes the entry that was begun last, if there is one.
    fn finish_entry(&mut self) -> io::Result<()> {
        let Some(Open { name, crc, size }) = self.open.take() else { return Ok(()) };
        let empty = match self.spare.take() {
            Some(spool) => spool,
            None => SpooledTempFile::new_in(IN_MEMORY, &self.folder),
        };
        let mut spool = self.deflater.reset(empty)?;
        let compressed = spool.stream_position()?;
        spool.rewind()?;
        let entry =
            Entry { name, method: DEFLATED, crc: crc.finalize(), compressed, size, offset: self.position };
        self.append(entry, &mut spool)?;
        if !spool.is_rolled() {
            spool.rewind()?;
            spool.set_len(0)?;
            self.spare = Some(spool);
        }
        Ok(())
    }

    /// Writes the local header and the compressed content of an entry.
    fn append(&mut self, entry: Entry, content: &mut impl Read) -> io::Result<()> {
        let mut header = Vec::new();
        entry.local_header(&mut header)?;
        self.to.write_all(&header)?;
        let copied = io::copy(content, &mut self.to)?;
        if copied != entry.compressed {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += length(&header) + copied;
        self.entries.push(entry);
        Ok(())
    }
}

impl<W> Write for ZipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let open = self.open.as_mut().ok_or_else(|| io::Error::other("no entry was begun"))?;
        let taken = self.deflater.write(bytes)?;
        open.crc.update(bytes.get(..taken).unwrap_or(bytes));
        open.size += u64::try_from(taken).unwrap_or(u64::MAX);
        Ok(taken)
    }

    /// Does nothing: an entry is written when it is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the archive anew with all its entries, for one that was written with data descriptors.
pub(super) fn rewrite(archive: Vec<u8>, to: impl Write) -> Result<(), Cause> {
    let mut archive = ZipArchive::new(io::Cursor::new(archive))?;
    // Nothing is deflated, so nothing goes to the folder.
    let mut writer = ZipWriter::new(to, 0, Path::new("."));
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        writer.copy(entry.name()?.into_owned(), entry)?;
    }
    Ok(writer.finish()?)
}

impl Entry {
    fn local_header(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let is_large = self.compressed.max(self.size) >= MAX_32.into();
        let large: &[u64] = if is_large { &[self.size, self.compressed] } else { &[] };
        out.extend(LOCAL_HEADER.to_le_bytes());
        self.common(out, large)?;
        out.extend(self.name.as_bytes());
        zip64_field(out, large);
        Ok(())
    }

    fn central_header(&self, out: &mut Vec<u8>) -> io::Result<()> {
        // Of the values, those that do not fit, in this order.
        let is_large = self.compressed.max(self.size) >= MAX_32.into();
        let mut large = if is_large { vec![self.size, self.compressed] } else { Vec::new() };
        large.extend((self.offset >= MAX_32.into()).then_some(self.offset));
        out.extend(CENTRAL_HEADER.to_le_bytes());
        out.extend((UNIX | version(&large)).to_le_bytes());
        self.common(out, &large)?;
        // No comment, the first disk, no internal attributes.
        out.extend([0; 6]);
        out.extend(ATTRIBUTES.to_le_bytes());
        out.extend(fit_32(self.offset).to_le_bytes());
        out.extend(self.name.as_bytes());
        zip64_field(out, &large);
        Ok(())
    }

    /// What both headers have in the middle; `large` are the values of the ZIP64 field.
    fn common(&self, out: &mut Vec<u8>, large: &[u64]) -> io::Result<()> {
        let flags = if self.name.is_ascii() { 0 } else { UTF8 };
        for value in [version(large), flags, self.method, TIME, DATE] {
            out.extend(value.to_le_bytes());
        }
        out.extend(self.crc.to_le_bytes());
        let is_large = self.compressed.max(self.size) >= MAX_32.into();
        for size in [self.compressed, self.size] {
            out.extend(if is_large { MAX_32 } else { fit_32(size) }.to_le_bytes());
        }
        let name = u16::try_from(self.name.len())
            .map_err(|_| io::Error::other("the name of an entry is longer than 65,535 bytes"))?;
        let extra = if large.is_empty() { 0 } else { 4 + content_length(large) };
        out.extend(name.to_le_bytes());
        out.extend(extra.to_le_bytes());
        Ok(())
    }
}

fn version(large: &[u64]) -> u16 {
    if large.is_empty() { VERSION } else { ZIP64_VERSION }
}

fn zip64_field(out: &mut Vec<u8>, large: &[u64]) {
    if large.is_empty() {
        return;
    }
    out.extend(ZIP64_FIELD.to_le_bytes());
    out.extend(content_length(large).to_le_bytes());
    large.iter().for_each(|value| out.extend(value.to_le_bytes()));
}

/// The bytes that the values take in a ZIP64 field; there are at most three.
fn content_length(large: &[u64]) -> u16 {
    u16::try_from(size_of_val(large)).unwrap_or(u16::MAX)
}

/// The records after a central directory that begins at `start`.
fn end(start: u64, size: u64, entries: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if start.max(size) >= MAX_32.into() || entries >= MAX_16.into() {
        out.extend(ZIP64_END.to_le_bytes());
        // The bytes after this number.
        out.extend(44_u64.to_le_bytes());
        out.extend((UNIX | ZIP64_VERSION).to_le_bytes());
        out.extend(ZIP64_VERSION.to_le_bytes());
        // This disk, and that of the directory.
        out.extend([0; 8]);
        for value in [entries, entries, size, start] {
            out.extend(value.to_le_bytes());
        }
        out.extend(ZIP64_LOCATOR.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend((start + size).to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(END.to_le_bytes());
    out.extend([0; 4]);
    let entries = u16::try_from(entries).unwrap_or(MAX_16);
    out.extend(entries.to_le_bytes());
    out.extend(entries.to_le_bytes());
    out.extend(fit_32(size).to_le_bytes());
    out.extend(fit_32(start).to_le_bytes());
    // No comment.
    out.extend([0; 2]);
    out
}

/// The value, or the one that refers to the ZIP64 fields.
fn fit_32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(MAX_32)
}

fn length<T>(of: &[T]) -> u64 {
    u64::try_from(of.len()).unwrap_or(u64::MAX)
}
