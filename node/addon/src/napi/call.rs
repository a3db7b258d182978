//! One call from JavaScript: its arguments as values of Rust, and what comes back.
//!
//! An argument that is not what is asked for is `None`, and the function says in one sentence what it takes. No JavaScript
//! runs before the call returns, so what an argument refers to stays where it is; memory that is shared with another
//! thread can change meanwhile, which reaches nobody but the kernel, or is copied first.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::ffi::{CStr, c_void};
use core::{ptr, slice};

use aye::Notifier;
use rustix::fd::{BorrowedFd, RawFd};

use super::ffi;
use super::room::Room;
use super::text::Text;
use crate::diagnose::Guard;

/// The most arguments that a function here takes.
const ARGUMENTS: usize = 3;

/// One more than the kernel passes in one message (`SCM_MAX_FD`), so that it is too many for it as well.
const DESCRIPTORS: usize = 254;

/// A value for JavaScript.
#[derive(Clone, Copy)]
pub(crate) struct Value(pub(super) ffi::Value);

/// What is thrown in the place of a value.
pub(crate) enum Thrown {
    /// A `TypeError`: the caller's mistake.
    Type(&'static CStr),
    /// An `Error`.
    Error(Box<Text>),
    /// What the engine has to say: it threw already, or it is about to end.
    Pending,
}

/// A call under way.
pub(crate) struct Call<'c> {
    pub(super) environment: ffi::Environment,
    arguments: [ffi::Value; ARGUMENTS],
    room: &'c Rc<Room>,
}

impl Call<'_> {
    /// The call of a function whose data is an `Rc<Room>`; what it refers to lives until the callback returns.
    ///
    /// # Safety
    /// Both are those of the call under way.
    pub(super) unsafe fn of(environment: ffi::Environment, info: ffi::CallInfo) -> Option<Self> {
        let (mut count, mut arguments) = (ARGUMENTS, [ptr::null_mut(); ARGUMENTS]);
        let (values, mut data) = (arguments.as_mut_ptr(), ptr::null_mut());
        // SAFETY: there is room for as many arguments as are asked for; what was not given is undefined then.
        let status = unsafe {
            ffi::napi_get_cb_info(environment, info, &raw mut count, values, ptr::null_mut(), &raw mut data)
        };
        // SAFETY: by the caller's word.
        let room = unsafe { data.cast::<Rc<Room>>().as_ref() }?;
        (status == ffi::OK).then_some(Self { environment, arguments, room })
    }

    /// A string, or as much of its beginning as there is space for.
    pub(crate) fn string<'s>(&self, index: usize, space: &'s mut [u8]) -> Option<&'s str> {
        let mut length = 0;
        let (env, value, start) = (self.environment, self.arguments[index], space.as_mut_ptr().cast());
        // SAFETY: at most as much is written as there is space, a NUL byte included.
        let status =
            unsafe { ffi::napi_get_value_string_utf8(env, value, start, space.len(), &raw mut length) };
        if status != ffi::OK {
            return None;
        }
        let text = space.get(..length)?;
        Some(text.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
    }

    /// A boolean.
    #[inline]
    pub(crate) fn boolean(&self, index: usize) -> Option<bool> {
        let mut value = false;
        // SAFETY: the value is the call's.
        match unsafe { ffi::napi_get_value_bool(self.environment, self.arguments[index], &raw mut value) } {
            ffi::OK => Some(value),
            _ => None,
        }
    }

    /// A number.
    #[inline(never)]
    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        let mut value = 0.0;
        // SAFETY: the value is the call's.
        match unsafe { ffi::napi_get_value_double(self.environment, self.arguments[index], &raw mut value) } {
            ffi::OK => Some(value),
            _ => None,
        }
    }

    /// A descriptor, whether or not it is open.
    pub(crate) fn descriptor(&self, index: usize) -> Option<BorrowedFd<'_>> {
        let number = self.number(index)?;
        #[expect(clippy::cast_possible_truncation, reason = "what does not fit is found out")]
        let fd = number as RawFd;
        #[expect(clippy::float_cmp, reason = "an integer, exactly")]
        let fits = fd >= 0 && f64::from(fd) == number;
        // SAFETY: descriptors are the process's, and JavaScript has them by number; it is only passed to the kernel during
        // this call, which knows whether it is open.
        fits.then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// The descriptors of an `Int32Array`.
    pub(crate) fn descriptors(&self, index: usize) -> Option<Descriptors<'_>> {
        let (start, length) = self.array(index, ffi::INT32)?;
        // SAFETY: the number is not -1; it is replaced, or left out.
        let none = unsafe { BorrowedFd::borrow_raw(0) };
        let mut descriptors = Descriptors { fds: [none; DESCRIPTORS], count: 0, is_sound: true };
        for (offset, fd) in (0..length).zip(&mut descriptors.fds) {
            // SAFETY: it is within the array, whose elements these are.
            let number = unsafe { start.cast::<RawFd>().add(offset).read_volatile() };
            descriptors.count += 1;
            if number < 0 {
                descriptors.is_sound = false;
            } else {
                // SAFETY: as for a single one.
                *fd = unsafe { BorrowedFd::borrow_raw(number) };
            }
        }
        Some(descriptors)
    }

    /// The bytes of a `Uint8Array`, a Buffer among them.
    #[inline]
    pub(crate) fn bytes(&self, index: usize) -> Option<&[u8]> {
        let (start, length) = self.array(index, ffi::UINT8)?;
        if length == 0 {
            return Some(&[]); // there may be no memory then
        }
        // SAFETY: the engine keeps them there at least until this call returns.
        Some(unsafe { slice::from_raw_parts(start.cast(), length) })
    }

    #[inline(never)]
    fn array(&self, index: usize, wanted: ffi::ArrayType) -> Option<(*const c_void, usize)> {
        let (mut kind, mut length, mut start) = (-1, 0, ptr::null_mut());
        let (env, value) = (self.environment, self.arguments[index]);
        let (kind_, length_, start_) = (&raw mut kind, &raw mut length, &raw mut start);
        // SAFETY: the value is the call's; what is null is not asked for.
        let status = unsafe {
            ffi::napi_get_typedarray_info(
                env,
                value,
                kind_,
                length_,
                start_,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        (status == ffi::OK && kind == wanted).then_some((start.cast_const(), length))
    }

    /// Does something with a connection of this environment.
    #[inline]
    pub(crate) fn connection<T>(&self, index: usize, what: impl FnOnce(&Arc<Notifier>) -> T) -> Option<T> {
        let mut address = ptr::null_mut();
        // SAFETY: the value is the call's.
        let status = unsafe {
            ffi::napi_get_value_external(self.environment, self.arguments[index], &raw mut address)
        };
        if status == ffi::OK { self.room.with(address, what) } else { None }
    }

    /// The external of a new connection.
    pub(crate) fn hold(&self, notifier: Notifier) -> Result<Value, Thrown> {
        // SAFETY: the environment is the room's own, and the call is under way.
        unsafe { self.room.hold(self.environment, Arc::new(notifier)) }.map(Value).ok_or(Thrown::Pending)
    }

    /// The environment, for what Node-API can do besides.
    pub(crate) fn environment(&self) -> ffi::Environment {
        self.environment
    }

    /// The watch of this environment.
    pub(crate) fn watch(&self) -> &RefCell<Option<Guard>> {
        self.room.watch()
    }

    /// Nothing for JavaScript: `undefined`.
    #[expect(clippy::unused_self, reason = "as for all other values, a call is under way")]
    pub(crate) fn nothing(&self) -> Value {
        Value(ptr::null_mut())
    }

    /// A string for JavaScript.
    pub(crate) fn text(&self, text: &str) -> Result<Value, Thrown> {
        let (start, length, mut value) = (text.as_ptr().cast(), text.len(), ptr::null_mut());
        // SAFETY: the call is under way; so many bytes are there.
        match unsafe { ffi::napi_create_string_utf8(self.environment, start, length, &raw mut value) } {
            ffi::OK => Ok(Value(value)),
            _ => Err(Thrown::Pending),
        }
    }

    /// A number for JavaScript.
    #[inline]
    pub(crate) fn answer(&self, number: i32) -> Result<Value, Thrown> {
        let mut value = ptr::null_mut();
        // SAFETY: the call is under way.
        match unsafe { ffi::napi_create_int32(self.environment, number, &raw mut value) } {
            ffi::OK => Ok(Value(value)),
            _ => Err(Thrown::Pending),
        }
    }
}

impl Thrown {
    /// An `Error` with that text, of parts.
    #[cold]
    pub(crate) fn error(parts: &[&str]) -> Self {
        Self::Error(Box::new(Text::of(parts)))
    }

    /// # Safety
    /// `environment` is that of the call under way.
    #[cold]
    pub(super) unsafe fn throw(self, environment: ffi::Environment) -> ffi::Value {
        // SAFETY: by the caller's word; the texts end in a NUL byte and are copied.
        let _ = unsafe {
            match &self {
                Self::Type(text) => ffi::napi_throw_type_error(environment, ptr::null(), text.as_ptr()),
                Self::Error(text) => ffi::napi_throw_error(environment, ptr::null(), text.as_ptr()),
                Self::Pending => ffi::OK,
            }
        };
        ptr::null_mut()
    }
}

/// Descriptors to be passed on.
pub(crate) struct Descriptors<'c> {
    fds: [BorrowedFd<'c>; DESCRIPTORS],
    count: usize,
    is_sound: bool,
}

impl<'c> Descriptors<'c> {
    /// All of them; `None` where one is a number that no descriptor has.
    pub(crate) fn fds(&self) -> Option<&[BorrowedFd<'c>]> {
        self.is_sound.then_some(&self.fds[..self.count])
    }
}
