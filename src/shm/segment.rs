//! One mapped segment.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(all(feature = "exec", target_os = "linux"))]
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::SystemTime;

use memmap2::{MmapOptions, MmapRaw};

use super::{Error, Geometry, layout, presence, sys};

/// How a segment's memory is had. None of it is written into the segment: each side has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backing {
    /// Maps every page now rather than at its first use.
    pub prefault: bool,
    /// Takes huge pages: of the kernel's reserve for an anonymous segment, transparent ones for a named one. It is an
    /// error where there are none.
    pub huge_pages: bool,
    /// The mode bits of a new named segment's file; 0600 where it is `None`. The process's umask does not matter.
    pub permissions: Option<u32>,
}

/// A mapped segment whose header has been checked.
///
/// Unmaps itself when it is dropped; the one that created a name also removes it then. `Send` and `Sync`: the shared
/// words are atomics, and what lies in the data area is the business of the part above.
#[derive(Debug)]
pub struct Segment {
    map: MmapRaw,
    file: File,
    geometry: Geometry,
    name: Option<String>,
    /// Whether the name is still to be removed in the end.
    removes_name: AtomicBool,
    /// The process that made this; a fork's copy ends nothing but its own mapping.
    process: u32,
    /// Which seats this very mapping holds, as the kernel's locks do not tell a description from itself.
    pub(super) seated_here: [AtomicBool; presence::SEATS],
}

impl Segment {
    /// Creates a named segment. It appears under its name with its header already written.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::NameTaken`], [`Error::NoSpace`], [`Error::NoHugePages`], [`Error::Permissions`], or what
    /// the kernel said.
    pub fn create(name: &str, geometry: &Geometry, backing: &Backing) -> Result<Self, Error> {
        check_name(name)?;
        let file = sys::create_unlinked()?;
        if let Some(bits) = backing.permissions {
            if bits & !0o666 != 0 || bits & 0o600 != 0o600 {
                return Err(Error::Permissions { bits });
            }
            sys::set_permissions(&file, bits)?;
        }
        let mut segment = Self::lay_out(file, geometry, backing)?;
        if backing.huge_pages {
            sys::advise_huge_pages(segment.map.as_mut_ptr(), segment.map.len())?;
        }
        sys::link(&segment.file, name)?;
        segment.name = Some(name.to_owned());
        segment.removes_name = AtomicBool::new(true);
        Ok(segment)
    }

    /// Creates an anonymous segment: a memfd sealed against shrinking, growing and further seals.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::NoHugePages`], or what the kernel said.
    pub fn anonymous(geometry: &Geometry, backing: &Backing) -> Result<Self, Error> {
        let file = sys::create_memfd(backing.huge_pages)?;
        let segment = match Self::lay_out(file, geometry, backing) {
            Err(Error::NoSpace { .. }) if backing.huge_pages => {
                let advice = "write how many you want into /proc/sys/vm/nr_hugepages";
                return Err(Error::NoHugePages { advice });
            }
            other => other?,
        };
        sys::seal(&segment.file)?;
        Ok(segment)
    }

    /// Opens a named segment and checks its header.
    ///
    /// A process that may write the segment may also truncate it, which kills whoever reads it then (SIGBUS): share
    /// names with processes that you trust, and give the others an anonymous segment.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::NotFound`], or one for each thing that can be wrong with a header.
    pub fn open(name: &str, backing: &Backing) -> Result<Self, Error> {
        check_name(name)?;
        let mut segment = Self::attach(sys::open_named(name, true)?, backing)?;
        // Only with its lock held is it safe from being removed as abandoned: it may have been until now.
        if sys::is_unlinked(&segment.file)? {
            return Err(Error::NotFound { name: name.to_owned() });
        }
        segment.name = Some(name.to_owned());
        Ok(segment)
    }

    /// Maps an anonymous segment that another process passed, and owns the descriptor from then on.
    ///
    /// Locks tell who is alive, and belong to an open file description: the file is therefore opened once more. Only
    /// where that is refused, the descriptor must be a description of its own, as [`Segment::export_fd`] makes it.
    ///
    /// # Errors
    /// [`Error::NotSealed`], or one for each thing that can be wrong with a header.
    #[cfg(unix)]
    pub fn from_fd(fd: OwnedFd, backing: &Backing) -> Result<Self, Error> {
        let file = File::from(fd);
        sys::check_sealed(&file)?;
        Self::attach(sys::reopen(&file).unwrap_or(file), backing)
    }

    /// Maps it once more, with an open file description of its own.
    ///
    /// # Errors
    /// What the kernel said.
    pub(crate) fn again(&self) -> Result<Self, Error> {
        Self::attach(sys::reopen(&self.file)?, &Backing::default())
    }

    /// Maps a segment that another process of this program passed, with the very description that it passed: its locks are
    /// this one's too.
    ///
    /// # Errors
    /// One for each thing that can be wrong with a header.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn adopt(fd: OwnedFd) -> Result<Self, Error> {
        Self::attach(File::from(fd), &Backing::default())
    }

    /// Returns the open file description that the locks belong to, to be passed to a process that is to share them.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn description(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Removes the name now if this segment created it, as dropping it does later; whoever has it open keeps it.
    pub fn end_name(&self) {
        let Some(name) = &self.name else { return };
        // It may be gone already, or be another's: somebody unlinked it by hand.
        if self.is_of_this_process()
            && self.removes_name.swap(false, Relaxed)
            && sys::open_named(name, false).is_ok_and(|named| same_file(&named, &self.file))
        {
            let _ = sys::unlink(name);
        }
    }

    /// Removes the name of a segment. Whoever has it open keeps it.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::NotFound`], or what the kernel said.
    pub fn unlink(name: &str) -> Result<(), Error> {
        check_name(name)?;
        sys::unlink(name)
    }

    /// Lists the names of this library's segments, of every layout version, that this user may read, in order.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn names() -> Result<Vec<String>, Error> {
        let mut names = sys::named_files()?;
        names.retain(|name| {
            check_name(name).is_ok() && sys::open_named(name, false).is_ok_and(|file| is_ours(&file))
        });
        names.sort_unstable();
        Ok(names)
    }

    /// Tells whether [`Segment::remove_abandoned`] would remove a segment.
    ///
    /// # Errors
    /// As [`Segment::remove_abandoned`].
    pub fn is_abandoned(name: &str) -> Result<bool, Error> {
        check_name(name)?;
        let file = sys::open_named(name, false)?;
        Ok(is_ours(&file) && !sys::is_locked_by_another(&file, layout::PRESENCE_BYTE)?)
    }

    /// Removes a named segment that no process has open any more, as a killed creator leaves it; `false` where somebody
    /// has it open, or where it is no segment of this library.
    ///
    /// What lies in it is lost: [`Segment::open`] it instead to go on with it.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::NotFound`], or what the kernel said.
    pub fn remove_abandoned(name: &str) -> Result<bool, Error> {
        check_name(name)?;
        let file = sys::open_named(name, true)?;
        // The lock keeps others from opening it meanwhile: they find it being removed.
        if !is_ours(&file) || !sys::lock_exclusive(&file, layout::PRESENCE_BYTE)? {
            return Ok(false);
        }
        // Another may have removed it before we had the lock, and the name be a new segment's by now.
        if !same_file(&sys::open_named(name, false)?, &file) {
            return Err(Error::NotFound { name: name.to_owned() });
        }
        sys::unlink(name).map(|()| true)
    }

    /// Opens the segment's file once more, to be passed to another process.
    ///
    /// Locks tell who is alive, and belong to an open file description: pass this one on and close it here, and its
    /// locks end with the process that got it.
    ///
    /// # Errors
    /// What the kernel said.
    #[cfg(unix)]
    pub fn export_fd(&self) -> Result<OwnedFd, Error> {
        sys::reopen(&self.file).map(OwnedFd::from)
    }

    /// Returns the sizes.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Returns the name that this segment was created or opened by; an anonymous one has none.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns where the whole segment is mapped, [`Geometry::segment_bytes`] long, until the segment is dropped.
    #[inline]
    pub fn base(&self) -> NonNull<u8> {
        NonNull::new(self.map.as_mut_ptr()).expect("a mapping is never at address 0")
    }

    /// Tells whether this process opened the segment, rather than one that it was forked from.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// Notes that this mapping's description holds a seat, which somebody else has taken.
    pub(super) fn has_seat(&self, seat: usize) {
        self.seated_here[seat].store(true, Release);
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    fn lay_out(file: File, geometry: &Geometry, backing: &Backing) -> Result<Self, Error> {
        let bytes = geometry.segment_bytes();
        sys::allocate(&file, bytes.next_multiple_of(block_bytes(&file)))?;
        let map = map(&file, geometry, backing)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let page = geometry.encode(std::process::id(), now.as_millis() as u64);
        // SAFETY: the header fits into the first page of the mapping, and nobody else has the segment yet.
        unsafe { std::ptr::copy_nonoverlapping(page.as_ptr(), map.as_mut_ptr(), page.len()) };
        Self::present(map, file, geometry.clone())
    }

    fn attach(file: File, backing: &Backing) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(|source| Error::Os { call: "fstat", source })?;
        let mut page = [0; layout::header::BYTES];
        let read = read_start(&file, &mut page).map_err(|source| Error::Os { call: "pread", source })?;
        let geometry = Geometry::decode(&page[..read], metadata.len())?;
        let map = map(&file, &geometry, backing)?;
        Self::present(map, file, geometry)
    }

    /// Shares the lock that says "somebody has this open".
    fn present(map: MmapRaw, file: File, geometry: Geometry) -> Result<Self, Error> {
        if !sys::lock_shared(&file, layout::PRESENCE_BYTE)? {
            return Err(Error::Removed);
        }
        Ok(Self {
            map,
            file,
            geometry,
            name: None,
            removes_name: AtomicBool::new(false),
            process: std::process::id(),
            seated_here: [const { AtomicBool::new(false) }; presence::SEATS],
        })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.end_name();
    }
}

fn is_ours(file: &File) -> bool {
    let mut magic = [0; 8];
    read_start(file, &mut magic).is_ok_and(|read| read == magic.len())
        && u64::from_le_bytes(magic) == layout::MAGIC
}

fn same_file(one: &File, other: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
        id(one).is_some() && id(one) == id(other)
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        false
    }
}

/// Returns the size that the file grows by: a huge page's where it is made of them.
fn block_bytes(file: &File) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().map_or(layout::PAGE, |metadata| metadata.blksize().max(layout::PAGE))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        layout::PAGE
    }
}

fn map(file: &File, geometry: &Geometry, backing: &Backing) -> Result<MmapRaw, Error> {
    // A mapping of huge pages is made, and unmade, in whole ones.
    let bytes = geometry.segment_bytes().next_multiple_of(block_bytes(file));
    let length = usize::try_from(bytes).map_err(|_| Error::NoSpace { bytes })?;
    let mut options = MmapOptions::new();
    if backing.prefault {
        options.populate();
    }
    options.len(length).map_raw(file).map_err(|source| Error::Os { call: "mmap", source })
}

/// Reads the file's beginning into a private copy, so that a peer cannot change it between a check and a use.
fn read_start(file: &File, page: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < page.len() {
        #[cfg(unix)]
        let more = std::os::unix::fs::FileExt::read_at(file, &mut page[done..], done as u64)?;
        #[cfg(windows)]
        let more = std::os::windows::fs::FileExt::seek_read(file, &mut page[done..], done as u64)?;
        if more == 0 {
            break;
        }
        done += more;
    }
    Ok(done)
}

/// Checks that a segment may have a name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let sound =
        (1..=layout::NAME_MAX).contains(&name.len()) && !name.starts_with('.') && !name.contains(['/', '\0']);
    if sound { Ok(()) } else { Err(Error::Name { name: name.to_owned() }) }
}
