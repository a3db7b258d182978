//! The second path: systemd's own code, called in the private library that its daemons share (`libsystemd-shared-NNN.so`).
//! The only unsafe room of the fuzz targets. Its symbols are no interface of systemd's; the ones used here have had these
//! types since v247 (`strv.h`, `socket-util.h`, `sd-daemon.h`).
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

type SplitNewlines = unsafe extern "C" fn(*mut *mut *mut c_char, *const c_char, c_int) -> c_int;
type SetPath = unsafe extern "C" fn(*mut libc::sockaddr_un, *const c_char) -> c_int;
type WatchdogEnabled = unsafe extern "C" fn(c_int, *mut u64) -> c_int;
type ListenFdsWithNames = unsafe extern "C" fn(c_int, *mut *mut *mut c_char) -> c_int;

type NumberOf = unsafe extern "C" fn(*const c_char, c_uint, *mut u64) -> c_int;
type SmallNumberOf = unsafe extern "C" fn(*const c_char, c_uint, *mut u8) -> c_int;
type PidOf = unsafe extern "C" fn(*const c_char, *mut libc::pid_t) -> c_int;
type ValueOf = unsafe extern "C" fn(*const c_char) -> c_int;
type Check = unsafe extern "C" fn(*const c_char) -> bool;
type Utf8Check = unsafe extern "C" fn(*const c_char, usize) -> *const c_char;

struct Library {
    number: NumberOf,
    small_number: SmallNumberOf,
    pid: PidOf,
    errno: ValueOf,
    access: ValueOf,
    is_safe: Check,
    is_fd_name: Check,
    is_utf8: Utf8Check,
    split_newlines: SplitNewlines,
    set_path: SetPath,
    watchdog_enabled: WatchdogEnabled,
    listen_fds_with_names: ListenFdsWithNames,
}

/// The lines of a message as `PID 1` splits them; `None` where it gives up and drops the message.
pub(crate) fn split_newlines(text: &CStr) -> Option<Vec<Vec<u8>>> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the text ends in NUL and lives on; the list is written only when the result is not negative.
    let count = unsafe { (library().split_newlines)(&raw mut list, text.as_ptr(), 0) };
    (count >= 0).then(|| take_list(list))
}

/// `safe_atou64()`.
pub(crate) fn number(text: &CStr) -> Option<u64> {
    let mut number = 0;
    // SAFETY: the text ends in NUL, and the target of the pointer lives on.
    (unsafe { (library().number)(text.as_ptr(), 0, &raw mut number) } >= 0).then_some(number)
}

/// `safe_atou8()`.
pub(crate) fn small_number(text: &CStr) -> Option<u8> {
    let mut number = 0;
    // SAFETY: as above.
    (unsafe { (library().small_number)(text.as_ptr(), 0, &raw mut number) } >= 0).then_some(number)
}

/// `parse_pid()`.
pub(crate) fn pid(text: &CStr) -> Option<u32> {
    let mut pid = 0;
    // SAFETY: as above.
    let result = unsafe { (library().pid)(text.as_ptr(), &raw mut pid) };
    (result >= 0).then(|| u32::try_from(pid).expect("systemd gives no negative pid"))
}

/// `parse_errno()`.
pub(crate) fn errno(text: &CStr) -> Option<i32> {
    // SAFETY: the text ends in NUL.
    Some(unsafe { (library().errno)(text.as_ptr()) }).filter(|&errno| errno >= 0)
}

/// Whether `notify_access_from_string()` knows the word.
pub(crate) fn is_access(text: &CStr) -> bool {
    // SAFETY: the text ends in NUL.
    unsafe { (library().access)(text.as_ptr()) >= 0 }
}

/// `string_is_safe_ascii()`, which is inline: `string_is_safe()` of ASCII.
pub(crate) fn is_safe_ascii(text: &CStr) -> bool {
    // SAFETY: the text ends in NUL.
    text.to_bytes().is_ascii() && unsafe { (library().is_safe)(text.as_ptr()) }
}

/// `fdname_is_valid()`.
pub(crate) fn is_fd_name(text: &CStr) -> bool {
    // SAFETY: the text ends in NUL.
    unsafe { (library().is_fd_name)(text.as_ptr()) }
}

/// `utf8_is_valid()`.
pub(crate) fn is_utf8(text: &CStr) -> bool {
    // SAFETY: the text ends in NUL, at which the largest length says to stop.
    !unsafe { (library().is_utf8)(text.as_ptr(), usize::MAX) }.is_null()
}

/// The bytes of the `AF_UNIX` address of a text, `sun_path` up to the length that systemd gives; `None` where it refuses.
pub(crate) fn unix_address(text: &CStr) -> Option<Vec<u8>> {
    // SAFETY: sockaddr_un is plain data for which all zeroes is a value.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    // SAFETY: the text ends in NUL and lives on; the address is of the size that its type says.
    let length = unsafe { (library().set_path)(&raw mut address, text.as_ptr()) };
    let length = usize::try_from(length).ok()? - std::mem::offset_of!(libc::sockaddr_un, sun_path);
    Some(address.sun_path[..length].iter().map(|c| c.cast_unsigned()).collect())
}

/// sd_watchdog_enabled(3) for the environment of this process: the interval in microseconds, `None` for "not us", or the
/// negative errno.
pub(crate) fn watchdog() -> Result<Option<u64>, c_int> {
    let mut usec = 0;
    // SAFETY: the target of the pointer lives on; the environment is changed by this one thread only.
    match unsafe { (library().watchdog_enabled)(0, &raw mut usec) } {
        0 => Ok(None),
        result if result > 0 => Ok(Some(usec)),
        errno => Err(errno),
    }
}

/// sd_listen_fds_with_names(3) for the environment of this process: the names, or the negative errno.
pub(crate) fn listen_names() -> Result<Vec<Vec<u8>>, c_int> {
    let mut list = std::ptr::null_mut();
    // SAFETY: as above; the list is written only when the result is above zero.
    match unsafe { (library().listen_fds_with_names)(0, &raw mut list) } {
        0 => Ok(Vec::new()),
        result if result > 0 => Ok(take_list(list)),
        errno => Err(errno),
    }
}

/// Sets, or with `None` removes, a variable of this process, where systemd's functions look for it. By putenv(3), because
/// glibc keeps every value that setenv(3) was ever given.
pub(crate) fn set_variable(name: &'static str, value: Option<&CStr>) {
    static KEPT: Mutex<BTreeMap<&str, CString>> = Mutex::new(BTreeMap::new());
    let mut kept = KEPT.lock().expect("no target panics while it holds this");
    let text = [name.as_bytes(), b"=", value.unwrap_or_default().to_bytes()].concat();
    let text = CString::new(text).expect("neither part holds a NUL byte");
    // SAFETY: putenv(3) keeps the pointer, whose text lives in the map until another one has taken its place;
    // one target alone changes and reads the environment, on one thread at a time.
    let result = unsafe {
        match value {
            Some(_) => libc::putenv(text.as_ptr().cast_mut()),
            None => libc::unsetenv(CString::new(name).expect("names are ours").as_ptr()),
        }
    };
    assert_eq!(result, 0, "setting {name:?}");
    kept.insert(name, text);
}

/// Sees to it that the descriptors from 3 on, this many, are open: systemd sets close-on-exec on each it is told of.
pub(crate) fn open_descriptors(count: c_int) {
    for number in 3..3 + count {
        // SAFETY: F_GETFD and open(2) touch no memory; a new descriptor takes the lowest free number, hence fills gaps.
        unsafe {
            if libc::fcntl(number, libc::F_GETFD) < 0 {
                assert_eq!(
                    libc::open(c"/dev/null".as_ptr(), libc::O_CLOEXEC),
                    number,
                    "filling the gap at {number}"
                );
            }
        }
    }
}

/// Copies a list that systemd allocated, and gives it back.
fn take_list(list: *mut *mut c_char) -> Vec<Vec<u8>> {
    let mut taken = Vec::new();
    if list.is_null() {
        return taken;
    }
    // SAFETY: systemd's lists are arrays of strings ended by a null pointer, each from malloc(3).
    unsafe {
        let mut at = list;
        while !(*at).is_null() {
            taken.push(CStr::from_ptr(*at).to_bytes().to_vec());
            libc::free((*at).cast());
            at = at.add(1);
        }
        libc::free(list.cast());
    }
    taken
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = find().expect("libsystemd-shared-NNN.so is not here: install systemd, which brings it");
        let name = CString::new(path.to_str().expect("a path in ASCII")).expect("a path without NUL");
        // SAFETY: loading systemd's library runs no code but its own set-up.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null(), "cannot load {}", path.display());
        // SAFETY: the handle is that of a library that is never closed, and the types are those of systemd's headers.
        unsafe {
            Library {
                number: symbol(handle, c"safe_atollu_full"),
                small_number: symbol(handle, c"safe_atou8_full"),
                pid: symbol(handle, c"parse_pid"),
                errno: symbol(handle, c"parse_errno"),
                access: symbol(handle, c"notify_access_from_string"),
                is_safe: symbol(handle, c"string_is_safe"),
                is_fd_name: symbol(handle, c"fdname_is_valid"),
                is_utf8: symbol(handle, c"utf8_is_valid_n"),
                split_newlines: symbol(handle, c"strv_split_newlines_full"),
                set_path: symbol(handle, c"sockaddr_un_set_path"),
                watchdog_enabled: symbol(handle, c"sd_watchdog_enabled"),
                listen_fds_with_names: symbol(handle, c"sd_listen_fds_with_names"),
            }
        }
    })
}

/// The function of a name.
///
/// # Safety
/// `handle` is that of an open library, and `F` the type of a pointer to that function.
unsafe fn symbol<F: Copy>(handle: *mut c_void, name: &CStr) -> F {
    // SAFETY: by the caller's word the handle is one.
    let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
    assert!(!found.is_null(), "libsystemd-shared has no {name:?}");
    assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
    // SAFETY: by the caller's word this is what the pointer is.
    unsafe { std::mem::transmute_copy(&found) }
}

/// Distributions keep it in `/usr/lib/systemd` or in a folder of that name below the CPU's own.
fn find() -> Option<PathBuf> {
    let mut folders = vec![PathBuf::from("/usr/lib/systemd"), PathBuf::from("/usr/lib64/systemd")];
    folders.extend(entries(Path::new("/usr/lib")).map(|folder| folder.join("systemd")));
    let mut libraries = folders.iter().flat_map(|folder| entries(folder));
    libraries.find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libsystemd-shared-") && name.ends_with(".so")
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}
