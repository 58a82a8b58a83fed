package media

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// steering is the program that hands datagrams for our ports to the sockets of
// the threads, and its maps. The kernel detaches it when the process ends,
// however that happens: the link is a descriptor of ours.
type steering struct {
	ports   *ebpf.Map // by port: 0 or the number of its thread and 1; mapped into our memory
	memory  *ebpf.Memory
	sockets *ebpf.Map
	program *ebpf.Program
	link    *link.NetNsLink
}

// portEntry is the size of an entry of an array map.
const portEntry = 8

func newSteering(cfg Config) (s *steering, err error) {
	s = &steering{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.ports, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "maskline_ports", Type: ebpf.Array, KeySize: 4, ValueSize: portEntry,
		MaxEntries: uint32(cfg.PortMax-cfg.PortMin) + 1, Flags: unix.BPF_F_MMAPABLE,
	})
	if err != nil {
		return s, fmt.Errorf("making the map of ports: %w", err)
	}
	if s.memory, err = s.ports.Memory(); err != nil {
		return s, fmt.Errorf("mapping the map of ports: %w", err)
	}
	s.sockets, err = ebpf.NewMap(&ebpf.MapSpec{Name: "maskline_socks", Type: ebpf.SockMap, KeySize: 4, ValueSize: 8, MaxEntries: uint32(cfg.Loops)})
	if err != nil {
		return s, fmt.Errorf("making the map of sockets: %w", err)
	}
	s.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "maskline_media", Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup, License: "MIT",
		Instructions: s.instructions(cfg),
	})
	if err != nil {
		return s, fmt.Errorf("loading the program: %w", err)
	}
	return s, nil
}

// Offsets in struct bpf_sk_lookup. // linux/bpf.h
const (
	lookupFamily    = 8
	lookupProtocol  = 12
	lookupLocalIP4  = 40
	lookupLocalIP6  = 44
	lookupLocalPort = 60
)

const (
	skPass = 1

	keySlot = -4 // on the program's stack
)

// instructions look up a datagram's port, for our address alone, and choose the
// socket of its thread. Whatever is not ours goes its usual way.
func (s *steering) instructions(cfg Config) asm.Instructions {
	const pass = "pass"
	in := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, lookupProtocol, asm.Word),
		asm.JNE.Imm(asm.R2, unix.IPPROTO_UDP, pass),
	}
	family, at, ip := int32(unix.AF_INET), int16(lookupLocalIP4), cfg.Addr.AsSlice()
	if cfg.Addr.Is6() {
		family, at = unix.AF_INET6, lookupLocalIP6
	}
	in = append(in, asm.LoadMem(asm.R2, asm.R6, lookupFamily, asm.Word), asm.JNE.Imm(asm.R2, family, pass))
	for i := 0; i < len(ip); i += 4 {
		in = append(in,
			asm.LoadMem(asm.R2, asm.R6, at+int16(i), asm.Word),
			asm.LoadImm(asm.R3, int64(binary.NativeEndian.Uint32(ip[i:])), asm.DWord),
			asm.JNE.Reg(asm.R2, asm.R3, pass))
	}
	return append(in,
		asm.LoadMem(asm.R2, asm.R6, lookupLocalPort, asm.Word),
		asm.JLT.Imm(asm.R2, int32(cfg.PortMin), pass),
		asm.JGT.Imm(asm.R2, int32(cfg.PortMax), pass),
		asm.Sub.Imm(asm.R2, int32(cfg.PortMin)),
		asm.StoreMem(asm.R10, keySlot, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R1, s.ports.FD()),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, keySlot),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, pass),
		asm.LoadMem(asm.R2, asm.R0, 0, asm.DWord),
		asm.JEq.Imm(asm.R2, 0, pass),
		asm.Sub.Imm(asm.R2, 1),
		asm.StoreMem(asm.R10, keySlot, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R1, s.sockets.FD()),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, keySlot),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, pass),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnSkAssign.Call(),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.FnSkRelease.Call(),
		asm.Mov.Imm(asm.R0, skPass).WithSymbol(pass),
		asm.Return(),
	)
}

// attach begins to steer, once every thread's socket is in the map.
func (s *steering) attach(sockets []int) error {
	for i, fd := range sockets {
		if err := s.sockets.Put(uint32(i), uint64(fd)); err != nil {
			return fmt.Errorf("entering a socket: %w", err)
		}
	}
	ns, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return fmt.Errorf("opening the network namespace: %w", err)
	}
	defer func() { _ = ns.Close() }()
	if s.link, err = link.AttachNetNs(int(ns.Fd()), s.program); err != nil {
		return fmt.Errorf("attaching the program: %w", err)
	}
	return nil
}

// set gives a port to a thread; -1: to nobody. It fails where the map has no room.
func (s *steering) set(index, thread int) error {
	var entry [portEntry]byte
	binary.NativeEndian.PutUint64(entry[:], uint64(thread+1))
	if _, err := s.memory.WriteAt(entry[:], int64(index)*portEntry); err != nil {
		return fmt.Errorf("entering a port: %w", err)
	}
	return nil
}

// detach ends the steering. Calling it again is no error.
func (s *steering) detach() {
	if s.link != nil {
		_ = s.link.Close()
		s.link = nil
	}
}

func (s *steering) close() {
	s.detach()
	if s.program != nil {
		_ = s.program.Close()
	}
	for _, m := range []*ebpf.Map{s.ports, s.sockets} {
		if m != nil {
			_ = m.Close()
		}
	}
}
