// Counts in a file together with examples/shared-counter, a C program: both see one structure in shared memory.
// Build it with `go build counter.go`, where pkg-config finds libmapshare; cgo reads the declarations from mapshare.h itself.
package main

/*
#cgo pkg-config: libmapshare
#include <fcntl.h>
#include <mapshare.h>
#include <stdlib.h>

struct counter { // of shared-counter.c
	int64_t count;
	char last[56];
};
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"
)

// Shared is a file that this process has open and mapped.
type Shared struct {
	ms      *C.struct_mapshare
	counter *C.struct_counter
}

func open(path string) (*Shared, error) {
	// A C call has errno as its second result, which counts only after a failure.
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	options := C.struct_mapshare_options{size: C.sizeof_struct_counter}
	ms, err := C.mapshare_open(name, C.O_RDWR|C.O_CREAT, 0o644, &options)
	if ms == nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Shared{ms, (*C.struct_counter)(C.mapshare_addr(ms))}, nil
}

// with runs change with the lock held. The lock belongs to a thread, so the goroutine stays on one meanwhile.
func (shared *Shared) with(change func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	held, err := C.mapshare_lock(shared.ms)
	if held == -1 {
		return err
	}
	if held == 1 { // an owner died; a count is whole at any time, so there is nothing to repair
		if result, err := C.mapshare_consistent(shared.ms); result == -1 {
			return err
		}
	}
	change()
	if result, err := C.mapshare_unlock(shared.ms); result == -1 {
		return err
	}
	return nil
}

func (shared *Shared) count() {
	shared.counter.count++
	text := fmt.Sprintf("process %d, in Go", os.Getpid())
	for i := range shared.counter.last {
		shared.counter.last[i] = 0
		if i < len(text) {
			shared.counter.last[i] = C.char(text[i])
		}
	}
}

func run(path string, times int) error {
	shared, err := open(path)
	if err != nil {
		return err
	}
	for ; times > 0; times-- {
		if err := shared.with(shared.count); err != nil {
			return err
		}
	}
	if result, err := C.mapshare_sync(shared.ms, 0, 0, C.MS_SYNC, nil); result == -1 {
		return err
	}
	fmt.Println(shared.counter.count) // and durable
	if result, err := C.mapshare_close(shared.ms); result == -1 {
		return err
	}
	return nil
}

func main() {
	times := 1
	var err error
	if len(os.Args) == 3 {
		times, err = strconv.Atoi(os.Args[2])
	}
	if err != nil || len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: counter FILE [TIMES]\nCounts in FILE, together with all others who do.")
		os.Exit(2)
	}
	if err := run(os.Args[1], times); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
