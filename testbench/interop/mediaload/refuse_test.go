package mediaload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refusal is what a kernel that lacks something says to a system call; 0: the call goes on.
type refusal func(call *systemCall) unix.Errno

// systemCall is one of those that pass by the filter: bpf and socket.
type systemCall struct {
	number int32
	args   [6]uint64
	attr   [bpfAttr]byte // of bpf
}

// Of union bpf_attr. // linux/bpf.h
const (
	bpfAttr     = 64 // octets that are looked at
	attrType    = 0  // of a map or program
	attrLink    = 8  // where a link attaches
	attrFlags   = 16 // of a map
	attrMap     = 28 // name
	attrProgram = 48 // name
)

func (c *systemCall) bpf(command uint64) bool {
	return c.number == unix.SYS_BPF && c.args[0] == command
}
func (c *systemCall) word(at int) uint32 { return binary.NativeEndian.Uint32(c.attr[at:]) }

func (c *systemCall) named(at int, name string) bool {
	text, _, _ := bytes.Cut(c.attr[at:min(at+unix.BPF_OBJ_NAME_LEN, bpfAttr)], []byte{0})
	return string(text) == name
}

// refusals are what may be missing, by the name that a child is told.
var refusals = map[string]refusal{
	"tcx": func(c *systemCall) unix.Errno { // before 6.6
		return when(c.bpf(unix.BPF_LINK_CREATE) && c.word(attrLink) == unix.BPF_TCX_INGRESS, unix.EINVAL)
	},
	"sk_lookup": func(c *systemCall) unix.Errno { // before 5.9
		return when(c.bpf(unix.BPF_PROG_LOAD) && c.word(attrType) == unix.BPF_PROG_TYPE_SK_LOOKUP ||
			c.bpf(unix.BPF_LINK_CREATE) && c.word(attrLink) == unix.BPF_SK_LOOKUP, unix.EINVAL)
	},
	"links": func(c *systemCall) unix.Errno { // before 5.7
		return when(c.bpf(unix.BPF_LINK_CREATE), unix.EINVAL)
	},
	"UDP in maps": func(c *systemCall) unix.Errno { // before 5.7
		return when(c.bpf(unix.BPF_MAP_UPDATE_ELEM), unix.EOPNOTSUPP)
	},
	"mapped maps": func(c *systemCall) unix.Errno { // before 5.5
		return when(c.bpf(unix.BPF_MAP_CREATE) && c.word(attrFlags)&unix.BPF_F_MMAPABLE != 0, unix.EINVAL)
	},
	"bpf": func(c *systemCall) unix.Errno {
		return when(c.number == unix.SYS_BPF, unix.ENOSYS)
	},
	"map of flows":    mapNamed("maskline_flows"),
	"map of ports":    mapNamed("maskline_ports"),
	"map of sockets":  mapNamed("maskline_socks"),
	"forwarding":      programNamed("maskline_rtp"),
	"steering":        programNamed("maskline_media"),
	"raw socket":      socketOf(unix.SOCK_RAW),
	"thread's socket": socketOf(unix.SOCK_DGRAM),
}

func when(is bool, errno unix.Errno) unix.Errno {
	if is {
		return errno
	}
	return 0
}

func mapNamed(name string) refusal {
	return func(c *systemCall) unix.Errno {
		return when(c.bpf(unix.BPF_MAP_CREATE) && c.named(attrMap, name), unix.ENOMEM)
	}
}

func programNamed(name string) refusal {
	return func(c *systemCall) unix.Errno {
		return when(c.bpf(unix.BPF_PROG_LOAD) && c.named(attrProgram, name), unix.EACCES)
	}
}

// socketOf refuses the first one of a kind: those of a backend that comes later are not meant.
func socketOf(kind uint64) refusal {
	refused := false
	return func(c *systemCall) unix.Errno {
		const inet = unix.AF_INET
		if refused || c.number != unix.SYS_SOCKET || c.args[0] != inet || c.args[1]&0xf != kind {
			return 0
		}
		refused = true
		return unix.EMFILE
	}
}

// refuse has the kernel ask about the system calls of this goroutine, which stays on
// its thread, and refuses those that are named, with commas between.
func refuse(names string) error {
	var all []refusal
	for name := range strings.SplitSeq(names, ",") {
		r, ok := refusals[name]
		if !ok {
			return fmt.Errorf("nothing is called %q", name)
		}
		all = append(all, r)
	}
	runtime.LockOSThread()
	listener, err := filterCalls()
	if err != nil {
		return err
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		return err
	}
	go func() { // until the process ends
		for {
			if err := answerCall(listener, memory, all); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}()
	return nil
}

// filterCalls returns where the kernel asks.
func filterCalls() (listener int, err error) {
	statement := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	equal := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: skip}
	}
	program := []unix.SockFilter{
		statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0), // the number
		equal(unix.SYS_BPF, 2),
		equal(unix.SYS_SOCKET, 1),
		statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW),
		statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_USER_NOTIF),
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, fmt.Errorf("giving up new privileges: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return -1, fmt.Errorf("filtering system calls: %w", errno)
	}
	return int(fd), nil
}

// notice and verdict are what the kernel asks and is told. // linux/seccomp.h
type notice struct {
	id           uint64
	pid, flags   uint32
	number       int32
	architecture uint32
	at           uint64
	args         [6]uint64
}

type verdict struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

func answerCall(listener int, memory *os.File, all []refusal) error {
	var asked notice
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&asked)))
		if errno == 0 {
			break
		}
		if errno != unix.EINTR && errno != unix.ENOENT { // the caller was interrupted, and calls again
			return fmt.Errorf("hearing of a system call: %w", errno)
		}
	}
	call := systemCall{number: asked.number, args: asked.args}
	if call.number == unix.SYS_BPF {
		if _, err := memory.ReadAt(call.attr[:min(asked.args[2], bpfAttr)], int64(asked.args[1])); err != nil {
			return fmt.Errorf("reading what is asked of bpf: %w", err)
		}
	}
	told := verdict{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	for _, r := range all {
		if errno := r(&call); errno != 0 {
			told.errno, told.flags = -int32(errno), 0
			break
		}
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&told)))
	if errno != 0 && errno != unix.ENOENT {
		return fmt.Errorf("answering a system call: %w", errno)
	}
	return nil
}
