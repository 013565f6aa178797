//! Counts in a file together with examples/shared-counter, a C program: both see one structure in shared memory.
//! Build it with `rustc counter.rs -l mapshare`.

use std::ffi::CString;
use std::io::{Error, Result};
use std::os::raw::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicI64, Ordering};

/// What is used of mapshare.h, word by word.
mod ffi {
    use super::*;

    #[repr(C)]
    #[derive(Default)]
    pub struct Options {
        pub struct_size: usize,
        pub size: u64,
        pub reserve: u64,
        pub flags: u32,
        pub reserved: [u32; 5],
    }

    #[repr(C)]
    pub struct Mapshare {
        _opaque: [u8; 0],
    }

    #[link(name = "mapshare")]
    extern "C" {
        pub fn mapshare_open(path: *const c_char, oflags: c_int, mode: u32, options: *const Options) -> *mut Mapshare;
        pub fn mapshare_close(ms: *mut Mapshare) -> c_int;
        pub fn mapshare_addr(ms: *const Mapshare) -> *mut c_void;
        pub fn mapshare_lock(ms: *mut Mapshare) -> c_int;
        pub fn mapshare_consistent(ms: *mut Mapshare) -> c_int;
        pub fn mapshare_unlock(ms: *mut Mapshare) -> c_int;
        pub fn mapshare_sync(ms: *mut Mapshare, offset: u64, length: u64, flags: c_int, receipt: *mut c_void) -> c_int;
    }
}

const O_RDWR: c_int = 2;
const O_CREAT: c_int = 0o100;
const MS_SYNC: c_int = 4;

/// struct counter of shared-counter.c. Other processes change it at any time, so its members are atomic.
#[repr(C)]
struct Counter {
    count: AtomicI64,
    last: [AtomicI64; 7],
}

struct Shared(*mut ffi::Mapshare);

/// Whoever has this has the lock.
struct Held<'a>(&'a Shared);

impl Shared {
    fn open(path: &str) -> Result<Shared> {
        let options = ffi::Options { size: std::mem::size_of::<Counter>() as u64, ..Default::default() };
        let ms = unsafe { ffi::mapshare_open(CString::new(path)?.as_ptr(), O_RDWR | O_CREAT, 0o644, &options) };

        if ms.is_null() { Err(Error::last_os_error()) } else { Ok(Shared(ms)) }
    }

    fn counter(&self) -> &Counter {
        unsafe { &*ffi::mapshare_addr(self.0).cast() }
    }

    fn lock(&self) -> Result<Held<'_>> {
        match unsafe { ffi::mapshare_lock(self.0) } {
            0 => Ok(Held(self)),
            1 => {
                let held = Held(self); // an owner died; a count is whole at any time, so there is nothing to repair
                check(unsafe { ffi::mapshare_consistent(self.0) })?;
                Ok(held)
            }
            _ => Err(Error::last_os_error()),
        }
    }

    fn sync(&self) -> Result<()> {
        check(unsafe { ffi::mapshare_sync(self.0, 0, 0, MS_SYNC, std::ptr::null_mut()) })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        unsafe { ffi::mapshare_close(self.0) };
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        unsafe { ffi::mapshare_unlock(self.0 .0) };
    }
}

fn check(result: c_int) -> Result<()> {
    if result == -1 { Err(Error::last_os_error()) } else { Ok(()) }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();

    if arguments.len() < 2 || arguments.len() > 3 {
        eprintln!("usage: counter FILE [TIMES]\nCounts in FILE, together with all others who do.");
        std::process::exit(2);
    }
    let shared = Shared::open(&arguments[1])?;
    for _ in 0..arguments.get(2).map_or(Ok(1), |times| times.parse()).unwrap_or(1) {
        let _held = shared.lock()?;
        let count = &shared.counter().count;
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let text = format!("process {}, in Rust", std::process::id()).into_bytes();
        for (index, word) in shared.counter().last.iter().enumerate() {
            let mut bytes = [0; 8];
            text.iter().skip(index * 8).zip(&mut bytes).for_each(|(from, to)| *to = *from);
            word.store(i64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
    }
    shared.sync()?; // durable from here on
    println!("{}", shared.counter().count.load(Ordering::Relaxed));
    Ok(())
}
