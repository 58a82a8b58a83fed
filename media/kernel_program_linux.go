package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// forwarding is the program that relays plain RTP where it comes in, and its
// map. Whatever is not exactly what a flow expects goes on to user space. The
// kernel detaches it when the process ends.
type forwarding struct {
	flows    *ebpf.Map
	memory   *ebpf.Memory
	program  *ebpf.Program
	link     link.Link
	loopback bool
	own      netip.Addr
	routes   *routes
	now      clock
}

// An entry of the map of flows, by pair of ports. Addresses, ports and SSRC are
// in network order, as packets hold them.
const (
	flowOn       = 0
	flowSource   = 4 // address; port at flowSourcePort
	flowSrcPort  = 8
	flowOutFrom  = 12 // addresses that the packet leaves with
	flowOutTo    = 16
	flowOutPorts = 20
	flowTOS      = 24 // the first two octets of the header
	flowSSRC     = 28
	flowPayloads = 32 // set of 128 bits
	flowPackets  = 48
	flowOctets   = 56
	flowLast     = 64 // highest sequence number
	flowExpected = 68
	flowLate     = 72
	flowTwice    = 76
	flowJitter   = 80
	flowTransit  = 84
	flowStamp    = 88
	flowClock    = 92
	flowSize     = 96
)

func newForwarding(cfg Config, now clock) (f *forwarding, err error) {
	f = &forwarding{own: cfg.Addr, routes: newRoutes(cfg.Addr, now), now: now}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	ifindex, err := f.interfaceOf(cfg.Addr)
	if err != nil {
		return f, err
	}
	f.flows, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "maskline_flows", Type: ebpf.Array, KeySize: 4, ValueSize: flowSize,
		MaxEntries: uint32(cfg.PortMax-cfg.PortMin)/2 + 1, Flags: unix.BPF_F_MMAPABLE,
	})
	if err != nil {
		return f, fmt.Errorf("making the map of flows: %w", err)
	}
	if f.memory, err = f.flows.Memory(); err != nil {
		return f, fmt.Errorf("mapping the map of flows: %w", err)
	}
	f.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "maskline_rtp", Type: ebpf.SchedCLS, License: "MIT", Instructions: f.instructions(cfg, ifindex),
	})
	if err != nil {
		return f, fmt.Errorf("loading the program that forwards: %w", err)
	}
	f.link, err = link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: f.program, Attach: ebpf.AttachTCXIngress})
	if err != nil {
		return f, fmt.Errorf("attaching the program that forwards: %w", err)
	}
	return f, nil
}

// interfaceOf finds where packets for an address come in.
func (f *forwarding) interfaceOf(addr netip.Addr) (int, error) {
	all, err := net.Interfaces()
	if err != nil {
		return 0, fmt.Errorf("listing the interfaces: %w", err)
	}
	for _, i := range all {
		f.loopback = i.Flags&net.FlagLoopback != 0
		if f.loopback && addr.IsLoopback() {
			return i.Index, nil
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == addr {
				return i.Index, nil
			}
		}
	}
	return 0, errors.New("no interface has media.addr")
}

// Offsets in struct __sk_buff, and in a frame with a plain IPv4 header.
const (
	skbLen      = 0
	skbProtocol = 16
	skbData     = 76
	skbDataEnd  = 80

	atVersion  = 14
	atTOS      = 15
	atLength   = 16
	atFragment = 20
	atProtocol = 23
	atIPSum    = 24
	atSource   = 26
	atDest     = 30
	atPorts    = 34
	atDestPort = 36
	atUDPSize  = 38
	atUDPSum   = 40
	atRTP      = 42
	atPayload  = 43
	atSequence = 44
	atStamp    = 46
	atSSRC     = 50
	atEnd      = 54

	tcxNext = -1

	csumPseudo  = 0x10 // BPF_F_PSEUDO_HDR
	csumMangled = 0x20 // BPF_F_MARK_MANGLED_0
)

// Slots on the program's stack.
const (
	slotKey   = -4
	slotPorts = -8
	slotTOS   = -12
	slotStamp = -16
	slotSize  = -24
)

func (f *forwarding) instructions(cfg Config, ifindex int) asm.Instructions {
	own := cfg.Addr.As4()
	ownWord := int64(binary.NativeEndian.Uint32(own[:]))
	const next = "next"
	in := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, skbProtocol, asm.Word),
		asm.JNE.Imm(asm.R2, int32(swapped(unix.ETH_P_IP)), next),
		asm.LoadMem(asm.R7, asm.R6, skbData, asm.Word),
		asm.LoadMem(asm.R8, asm.R6, skbDataEnd, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Add.Imm(asm.R2, atEnd),
		asm.JGT.Reg(asm.R2, asm.R8, next),
		asm.LoadMem(asm.R2, asm.R7, atVersion, asm.Byte),
		asm.JNE.Imm(asm.R2, 4<<4|ip4Header/4, next), // options go to user space
		asm.LoadMem(asm.R2, asm.R7, atProtocol, asm.Byte),
		asm.JNE.Imm(asm.R2, unix.IPPROTO_UDP, next),
		asm.LoadMem(asm.R2, asm.R7, atFragment, asm.Half),
		asm.And.Imm(asm.R2, int32(swapped(0x3FFF))),
		asm.JNE.Imm(asm.R2, 0, next),
		asm.LoadMem(asm.R2, asm.R7, atDest, asm.Word),
		asm.LoadImm(asm.R3, ownWord, asm.DWord),
		asm.JNE.Reg(asm.R2, asm.R3, next),
		// The flow of the port.
		asm.LoadMem(asm.R2, asm.R7, atDestPort, asm.Half),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.JLT.Imm(asm.R2, int32(cfg.PortMin), next),
		asm.JGT.Imm(asm.R2, int32(cfg.PortMax), next),
		asm.Mov.Reg(asm.R3, asm.R2),
		asm.And.Imm(asm.R3, 1),
		asm.JNE.Imm(asm.R3, 0, next), // RTCP
		asm.Sub.Imm(asm.R2, int32(cfg.PortMin)),
		asm.RSh.Imm(asm.R2, 1),
		asm.StoreMem(asm.R10, slotKey, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R1, f.flows.FD()),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, slotKey),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, next),
		asm.Mov.Reg(asm.R9, asm.R0),
		asm.LoadMem(asm.R2, asm.R9, flowOn, asm.Word),
		asm.JEq.Imm(asm.R2, 0, next),
		// Its source, and a plain RTP header with what was negotiated.
		asm.LoadMem(asm.R2, asm.R7, atSource, asm.Word),
		asm.LoadMem(asm.R3, asm.R9, flowSource, asm.Word),
		asm.JNE.Reg(asm.R2, asm.R3, next),
		asm.LoadMem(asm.R2, asm.R7, atPorts, asm.Half),
		asm.LoadMem(asm.R3, asm.R9, flowSrcPort, asm.Half),
		asm.JNE.Reg(asm.R2, asm.R3, next),
		asm.LoadMem(asm.R2, asm.R7, atRTP, asm.Byte),
		asm.JNE.Imm(asm.R2, 2<<6, next),
		asm.LoadMem(asm.R2, asm.R7, atSSRC, asm.Word),
		asm.LoadMem(asm.R3, asm.R9, flowSSRC, asm.Word),
		asm.JNE.Reg(asm.R2, asm.R3, next),
		asm.LoadMem(asm.R2, asm.R7, atPayload, asm.Byte),
		asm.And.Imm(asm.R2, 0x7F),
		asm.LoadMem(asm.R3, asm.R9, flowPayloads, asm.DWord),
		asm.JLT.Imm(asm.R2, 64, "word"),
		asm.LoadMem(asm.R3, asm.R9, flowPayloads+8, asm.DWord),
		asm.And.Imm(asm.R2, 63),
		asm.RSh.Reg(asm.R3, asm.R2).WithSymbol("word"),
		asm.And.Imm(asm.R3, 1),
		asm.JEq.Imm(asm.R3, 0, next),
		// Lengths that agree.
		asm.LoadMem(asm.R2, asm.R7, atUDPSize, asm.Half),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.JLT.Imm(asm.R2, udpHeader+12, next),
		asm.JGT.Imm(asm.R2, udpHeader+maxPacket, next),
		asm.LoadMem(asm.R3, asm.R7, atLength, asm.Half),
		asm.HostTo(asm.BE, asm.R3, asm.Half),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, ip4Header),
		asm.JNE.Reg(asm.R3, asm.R4, next),
		asm.Add.Imm(asm.R3, atVersion),
		asm.LoadMem(asm.R4, asm.R6, skbLen, asm.Word),
		asm.JLT.Reg(asm.R4, asm.R3, next),
		asm.Sub.Imm(asm.R2, udpHeader),
		asm.StoreMem(asm.R10, slotSize, asm.R2, asm.DWord),
	}
	in = append(in, f.count()...)
	in = append(in, f.rewrite(ownWord)...)
	if f.loopback {
		in = append(in, asm.Mov.Imm(asm.R1, int32(ifindex)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call())
	} else {
		in = append(in, asm.Mov.Imm(asm.R1, int32(ifindex)), asm.Mov.Imm(asm.R2, 0), asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0),
			asm.FnRedirectNeigh.Call())
	}
	return append(in, asm.Return(), asm.Mov.Imm(asm.R0, tcxNext).WithSymbol(next), asm.Return())
}

// count is stream.update for a stream that goes on; what is out of order only
// counts.
func (f *forwarding) count() asm.Instructions {
	bump := func(at int16) []asm.Instruction {
		return []asm.Instruction{
			asm.LoadMem(asm.R5, asm.R9, at, asm.Word),
			asm.Add.Imm(asm.R5, 1),
			asm.StoreMem(asm.R9, at, asm.R5, asm.Word),
			asm.Ja.Label("counted"),
		}
	}
	late, twice := bump(flowLate), bump(flowTwice)
	late[0], twice[0] = late[0].WithSymbol("late"), twice[0].WithSymbol("twice")
	in := asm.Instructions{
		asm.Mov.Imm(asm.R3, 1),
		asm.AddAtomic.Mem(asm.R9, asm.R3, asm.DWord, flowPackets),
		asm.LoadMem(asm.R3, asm.R10, slotSize, asm.DWord),
		asm.AddAtomic.Mem(asm.R9, asm.R3, asm.DWord, flowOctets),
		asm.LoadMem(asm.R2, asm.R7, atSequence, asm.Half),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.LoadMem(asm.R3, asm.R9, flowLast, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Sub.Reg(asm.R4, asm.R3),
		asm.And.Imm(asm.R4, 0xFFFF),
		asm.JEq.Imm(asm.R4, 0, "twice"),
		asm.JGT.Imm(asm.R4, maxDropout, "late"),
		asm.StoreMem(asm.R9, flowLast, asm.R2, asm.Word),
		asm.LoadMem(asm.R5, asm.R9, flowExpected, asm.Word),
		asm.Add.Reg(asm.R5, asm.R4),
		asm.StoreMem(asm.R9, flowExpected, asm.R5, asm.Word),
		asm.Ja.Label("measure"),
	}
	in = append(append(in, late...), twice...)
	return append(in,
		// stream.measure: the jitter of RFC 3550 A.8.
		asm.LoadMem(asm.R2, asm.R7, atStamp, asm.Word).WithSymbol("measure"),
		asm.HostTo(asm.BE, asm.R2, asm.Word),
		asm.LoadMem(asm.R3, asm.R9, flowStamp, asm.Word),
		asm.JEq.Reg(asm.R2, asm.R3, "counted"),
		asm.StoreMem(asm.R9, flowStamp, asm.R2, asm.Word),
		asm.StoreMem(asm.R10, slotStamp, asm.R2, asm.Word),
		asm.FnKtimeGetNs.Call(),
		asm.Div.Imm(asm.R0, 1000),
		asm.LoadMem(asm.R3, asm.R9, flowClock, asm.Word),
		asm.Mul.Reg(asm.R0, asm.R3),
		asm.Div.Imm(asm.R0, 1_000_000),
		asm.LoadMem(asm.R2, asm.R10, slotStamp, asm.Word),
		asm.Sub.Reg(asm.R0, asm.R2),
		asm.LoadMem(asm.R3, asm.R9, flowTransit, asm.Word),
		asm.StoreMem(asm.R9, flowTransit, asm.R0, asm.Word),
		asm.Sub.Reg(asm.R0, asm.R3),
		asm.LSh.Imm(asm.R0, 32),
		asm.ArSh.Imm(asm.R0, 32),
		asm.JSGE.Imm(asm.R0, 0, "positive"),
		asm.Neg.Imm(asm.R0, 0),
		asm.LoadMem(asm.R3, asm.R9, flowJitter, asm.Word).WithSymbol("positive"),
		asm.Mov.Reg(asm.R4, asm.R3),
		asm.Add.Imm(asm.R4, 8),
		asm.RSh.Imm(asm.R4, 4),
		asm.Sub.Reg(asm.R3, asm.R4),
		asm.Add.Reg(asm.R3, asm.R0),
		asm.StoreMem(asm.R9, flowJitter, asm.R3, asm.Word),
	)
}

// rewrite gives the packet the addresses, ports and traffic class that it leaves
// with.
func (f *forwarding) rewrite(own int64) asm.Instructions {
	in := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R7, atVersion, asm.Half).WithSymbol("counted"),
		asm.StoreMem(asm.R10, slotTOS, asm.R2, asm.Word),
		asm.LoadMem(asm.R2, asm.R7, atPorts, asm.Word),
		asm.StoreMem(asm.R10, slotPorts, asm.R2, asm.Word),
	}
	replace := func(helper asm.BuiltinFunc, at int32, from, to asm.Instruction, flags int32) {
		in = append(in, from, to, asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, at), asm.Mov.Imm(asm.R5, flags), helper.Call())
	}
	entry := func(to asm.Register, at int16, size asm.Size) asm.Instruction {
		return asm.LoadMem(to, asm.R9, at, size)
	}
	source, from := entry(asm.R3, flowSource, asm.Word), entry(asm.R4, flowOutFrom, asm.Word)
	dest, to := asm.LoadImm(asm.R3, own, asm.DWord), entry(asm.R4, flowOutTo, asm.Word)
	const words = 4 | csumMangled
	replace(asm.FnL3CsumReplace, atIPSum, source, from, 4)
	replace(asm.FnL3CsumReplace, atIPSum, dest, to, 4)
	replace(asm.FnL3CsumReplace, atIPSum, asm.LoadMem(asm.R3, asm.R10, slotTOS, asm.Word), entry(asm.R4, flowTOS, asm.Half), 2)
	replace(asm.FnL4CsumReplace, atUDPSum, source, from, words|csumPseudo)
	replace(asm.FnL4CsumReplace, atUDPSum, dest, to, words|csumPseudo)
	replace(asm.FnL4CsumReplace, atUDPSum, asm.LoadMem(asm.R3, asm.R10, slotPorts, asm.Word), entry(asm.R4, flowOutPorts, asm.Word), words)
	for _, w := range []struct{ at, field, size int32 }{{atSource, flowOutFrom, 8}, {atPorts, flowOutPorts, 4}, {atTOS, flowTOS + 1, 1}} {
		in = append(in,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, w.at),
			asm.Mov.Reg(asm.R3, asm.R9),
			asm.Add.Imm(asm.R3, w.field),
			asm.Mov.Imm(asm.R4, w.size),
			asm.Mov.Imm(asm.R5, 0),
			asm.FnSkbStoreBytes.Call())
	}
	return in
}

func (f *forwarding) detach() {
	if f.link != nil {
		_ = f.link.Close()
		f.link = nil
	}
}

func (f *forwarding) close() {
	f.detach()
	if f.program != nil {
		_ = f.program.Close()
	}
	if f.flows != nil {
		_ = f.flows.Close()
	}
}
