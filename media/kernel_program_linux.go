package media

import (
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
// in network order, as packets hold them; an IPv4 address fills the first four
// octets of its place.
const (
	flowOn       = 0
	flowSrcPort  = 4
	flowOutPorts = 8
	flowClass    = 12 // the first octets of the header: version and traffic class
	flowSSRC     = 16
	flowHops     = 20
	flowSource   = 24
	flowOut      = 40 // both addresses that the packet leaves with, as they lie in it
	flowPayloads = 72 // set of 128 bits
	flowPackets  = 88
	flowOctets   = 96
	flowLast     = 104 // highest sequence number
	flowExpected = 108
	flowLate     = 112
	flowTwice    = 116
	flowJitter   = 120
	flowTransit  = 124
	flowStamp    = 128
	flowClock    = 132
	flowSize     = 136
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

// Offsets in struct __sk_buff.
const (
	skbLen      = 0
	skbProtocol = 16
	skbData     = 76
	skbDataEnd  = 80

	tcxNext = -1

	csumPseudo  = 0x10 // BPF_F_PSEUDO_HDR
	csumMangled = 0x20 // BPF_F_MARK_MANGLED_0
)

// Slots on the program's stack.
const (
	slotKey   = -4
	slotPorts = -8
	slotClass = -12
	slotStamp = -16
	slotSize  = -24
	slotDiff  = -32
)

const up = "up" // the label of what goes up to user space

func (f *forwarding) instructions(cfg Config, ifindex int) asm.Instructions {
	p := frameOf(cfg.Addr)
	in := p.plain(cfg.Addr)
	in = append(in, f.find(p, cfg)...)
	in = append(in, f.expected(p)...)
	in = append(in, p.lengths()...)
	in = append(in, f.count(p)...)
	in = append(in, p.rewrite()...)
	in = append(in, asm.Mov.Imm(asm.R1, int32(ifindex)), asm.Mov.Imm(asm.R2, 0))
	if f.loopback {
		in = append(in, asm.FnRedirect.Call())
	} else {
		in = append(in, asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0), asm.FnRedirectNeigh.Call())
	}
	return append(in, asm.Return(), asm.Mov.Imm(asm.R0, tcxNext).WithSymbol(up), asm.Return())
}

// find looks up the flow of the port.
func (f *forwarding) find(p frame, cfg Config) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R7, p.ports+2, asm.Half),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.JLT.Imm(asm.R2, int32(cfg.PortMin), up),
		asm.JGT.Imm(asm.R2, int32(cfg.PortMax), up),
		asm.Mov.Reg(asm.R3, asm.R2),
		asm.And.Imm(asm.R3, 1),
		asm.JNE.Imm(asm.R3, 0, up), // RTCP
		asm.Sub.Imm(asm.R2, int32(cfg.PortMin)),
		asm.RSh.Imm(asm.R2, 1),
		asm.StoreMem(asm.R10, slotKey, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R1, f.flows.FD()),
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, slotKey),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, up),
		asm.Mov.Reg(asm.R9, asm.R0),
		asm.LoadMem(asm.R2, asm.R9, flowOn, asm.Word),
		asm.JEq.Imm(asm.R2, 0, up),
	}
}

// expected lets its source pass, and a plain RTP header with what was negotiated.
func (f *forwarding) expected(p frame) asm.Instructions {
	var in asm.Instructions
	same := func(at, field int16, size asm.Size) {
		in = append(in,
			asm.LoadMem(asm.R2, asm.R7, at, size),
			asm.LoadMem(asm.R3, asm.R9, field, size),
			asm.JNE.Reg(asm.R2, asm.R3, up))
	}
	for i := int16(0); i < p.address; i += 4 {
		same(p.source+i, flowSource+i, asm.Word)
	}
	same(p.ports, flowSrcPort, asm.Half)
	same(p.rtp()+8, flowSSRC, asm.Word)
	return append(in,
		asm.LoadMem(asm.R2, asm.R7, p.rtp(), asm.Byte),
		asm.JNE.Imm(asm.R2, 2<<6, up),
		asm.LoadMem(asm.R2, asm.R7, p.rtp()+1, asm.Byte),
		asm.And.Imm(asm.R2, 0x7F),
		asm.LoadMem(asm.R3, asm.R9, flowPayloads, asm.DWord),
		asm.JLT.Imm(asm.R2, 64, "word"),
		asm.LoadMem(asm.R3, asm.R9, flowPayloads+8, asm.DWord),
		asm.And.Imm(asm.R2, 63),
		asm.RSh.Reg(asm.R3, asm.R2).WithSymbol("word"),
		asm.And.Imm(asm.R3, 1),
		asm.JEq.Imm(asm.R3, 0, up))
}

// count is stream.update for a stream that goes on; what is out of order only
// counts.
func (f *forwarding) count(p frame) asm.Instructions {
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
		asm.LoadMem(asm.R2, asm.R7, p.rtp()+2, asm.Half),
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
		asm.LoadMem(asm.R2, asm.R7, p.rtp()+4, asm.Word).WithSymbol("measure"),
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
