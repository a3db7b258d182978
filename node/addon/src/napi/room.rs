//! What JavaScript holds of Rust: the connections of one environment, and the watch over its loop. An external is no more than an address, which
//! anybody's external is, too; here it is looked up whether it is one of these.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr;

use aye::Notifier;

use super::ffi;
use crate::diagnose::Guard;

/// The connections of one environment, each known by its address.
#[derive(Default)]
pub(crate) struct Room {
    held: RefCell<Vec<Arc<Notifier>>>,
    watch: RefCell<Option<Guard>>,
}

impl Room {
    /// The room of a new environment, which empties it when it ends. The reference is good until then.
    ///
    /// # Safety
    /// `environment` is the one that this thread is in.
    pub(super) unsafe fn of<'e>(environment: ffi::Environment) -> Option<&'e Rc<Self>> {
        let room = Box::into_raw(Box::new(Rc::new(Self::default())));
        // SAFETY: `end` gets what it expects, once; it is not freed before.
        unsafe {
            match ffi::napi_add_env_cleanup_hook(environment, end, room.cast()) {
                ffi::OK => Some(&*room),
                _ => None,
            }
        }
    }

    /// The watch over the environment's loop.
    pub(super) fn watch(&self) -> &RefCell<Option<Guard>> {
        &self.watch
    }

    /// Does something with the connection at that address, if it is one.
    pub(super) fn with<T>(&self, address: *mut c_void, what: impl FnOnce(&Arc<Notifier>) -> T) -> Option<T> {
        self.held.borrow().iter().find(|held| is_at(held, address)).map(what)
    }

    /// An external for a connection, which is let go of when the external is.
    ///
    /// # Safety
    /// `environment` is the one that this room is of, and this thread is in.
    pub(super) unsafe fn hold(
        self: &Rc<Self>,
        environment: ffi::Environment,
        notifier: Arc<Notifier>,
    ) -> Option<ffi::Value> {
        let address = Arc::as_ptr(&notifier).cast_mut().cast();
        let hint = Rc::into_raw(Rc::clone(self));
        let mut external = ptr::null_mut();
        // SAFETY: `let_go` gets what it expects, once.
        let status = unsafe {
            let hint = hint.cast_mut().cast();
            ffi::napi_create_external(environment, address, let_go, hint, &raw mut external)
        };
        if status != ffi::OK {
            // SAFETY: nobody else has it.
            drop(unsafe { Rc::from_raw(hint) });
            return None;
        }
        self.held.borrow_mut().push(notifier);
        Some(external)
    }
}

fn is_at(held: &Arc<Notifier>, address: *mut c_void) -> bool {
    ptr::eq(Arc::as_ptr(held), address.cast())
}

/// Nobody has the external any more.
unsafe extern "C" fn let_go(_: ffi::Environment, address: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hold` made it of an Rc for this call alone.
    let room = unsafe { Rc::from_raw(hint.cast::<Room>().cast_const()) };
    room.held.borrow_mut().retain(|held| !is_at(held, address));
}

/// The environment ends, and no JavaScript of it will run again. What is still held is let go of afterwards in some
/// runtimes, and never in others.
unsafe extern "C" fn end(room: *mut c_void) {
    // SAFETY: `of` made it of a Box for this call alone.
    let room = unsafe { Box::from_raw(room.cast::<Rc<Room>>()) };
    room.held.borrow_mut().clear();
    drop(room.watch.take());
}
