package media

import (
	"encoding/binary"
	"net/netip"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// frame says where things are in an Ethernet frame with a plain IP header and UDP,
// from its start.
type frame struct {
	v4       bool
	kind     int // EtherType
	address  int16
	protocol int16
	length   int16
	source   int16 // address; the destination's follows
	ports    int16 // of UDP, the first in it
}

const atIP = 14

func frameOf(own netip.Addr) frame {
	if own.Is4() { // RFC 791 §3.1
		return frame{v4: true, kind: unix.ETH_P_IP, address: 4, length: atIP + 2, protocol: atIP + 9, source: atIP + 12, ports: atIP + ip4Header}
	}
	// RFC 8200 §3
	return frame{kind: unix.ETH_P_IPV6, address: 16, length: atIP + 4, protocol: atIP + 6, source: atIP + 8, ports: atIP + ip6Header}
}

const (
	atFragment = atIP + 6  // IPv4
	atIPSum    = atIP + 10 // IPv4
	atHops     = atIP + 7  // IPv6
)

func (p frame) udpSize() int16 { return p.ports + 4 }
func (p frame) udpSum() int16  { return p.ports + 6 }
func (p frame) rtp() int16     { return p.ports + udpHeader }

// plain lets frames pass that hold UDP for our address behind a plain header, and
// an RTP header behind that. IPv4 options, fragments, IPv6 extension headers and
// UDP over IPv6 without a checksum are left to user space.
func (p frame) plain(own netip.Addr) asm.Instructions {
	in := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, skbProtocol, asm.Word),
		asm.JNE.Imm(asm.R2, int32(networkOrder(uint16(p.kind))), up),
		asm.LoadMem(asm.R7, asm.R6, skbData, asm.Word),
		asm.LoadMem(asm.R8, asm.R6, skbDataEnd, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Add.Imm(asm.R2, int32(p.rtp())+rtpHeader),
		asm.JGT.Reg(asm.R2, asm.R8, up),
		asm.LoadMem(asm.R2, asm.R7, p.protocol, asm.Byte),
		asm.JNE.Imm(asm.R2, unix.IPPROTO_UDP, up),
		asm.LoadMem(asm.R2, asm.R7, atIP, asm.Byte),
	}
	if p.v4 {
		in = append(in,
			asm.JNE.Imm(asm.R2, 4<<4|ip4Header/4, up),
			asm.LoadMem(asm.R2, asm.R7, atFragment, asm.Half),
			asm.And.Imm(asm.R2, int32(networkOrder(0x3FFF))),
			asm.JNE.Imm(asm.R2, 0, up))
	} else {
		in = append(in,
			asm.RSh.Imm(asm.R2, 4),
			asm.JNE.Imm(asm.R2, 6, up),
			asm.LoadMem(asm.R2, asm.R7, p.udpSum(), asm.Half),
			asm.JEq.Imm(asm.R2, 0, up))
	}
	for i, ip := int16(0), own.AsSlice(); i < p.address; i += 4 {
		in = append(in,
			asm.LoadMem(asm.R2, asm.R7, p.source+p.address+i, asm.Word),
			asm.LoadImm(asm.R3, int64(binary.NativeEndian.Uint32(ip[i:])), asm.DWord),
			asm.JNE.Reg(asm.R2, asm.R3, up))
	}
	return in
}

// lengths lets frames pass whose lengths agree, and keeps that of the RTP packet.
func (p frame) lengths() asm.Instructions {
	header, counted := int32(p.ports-atIP), int32(0) // IPv6 does not count its own
	if p.v4 {
		counted = header
	}
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R7, p.udpSize(), asm.Half),
		asm.HostTo(asm.BE, asm.R2, asm.Half),
		asm.JLT.Imm(asm.R2, udpHeader+rtpHeader, up),
		asm.JGT.Imm(asm.R2, udpHeader+maxPacket, up),
		asm.LoadMem(asm.R3, asm.R7, p.length, asm.Half),
		asm.HostTo(asm.BE, asm.R3, asm.Half),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, counted),
		asm.JNE.Reg(asm.R3, asm.R4, up),
		asm.Mov.Reg(asm.R3, asm.R2),
		asm.Add.Imm(asm.R3, atIP+header),
		asm.LoadMem(asm.R4, asm.R6, skbLen, asm.Word),
		asm.JLT.Reg(asm.R4, asm.R3, up),
		asm.Sub.Imm(asm.R2, udpHeader),
		asm.StoreMem(asm.R10, slotSize, asm.R2, asm.DWord),
	}
}

// rewrite gives the packet the addresses, ports and traffic class that it leaves
// with, and makes its checksums right by what that changes.
func (p frame) rewrite() asm.Instructions {
	both := 2 * int32(p.address)
	in := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R7, atIP, asm.Half).WithSymbol("counted"),
		asm.StoreMem(asm.R10, slotClass, asm.R2, asm.Word),
		asm.LoadMem(asm.R2, asm.R7, p.ports, asm.Word),
		asm.StoreMem(asm.R10, slotPorts, asm.R2, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.Add.Imm(asm.R1, int32(p.source)),
		asm.Mov.Imm(asm.R2, both),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.Add.Imm(asm.R3, flowOut),
		asm.Mov.Imm(asm.R4, both),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnCsumDiff.Call(),
		asm.StoreMem(asm.R10, slotDiff, asm.R0, asm.DWord),
	}
	// A size of 0 in the flags: to is the difference.
	mend := func(helper asm.BuiltinFunc, at int16, from, to asm.Instruction, flags int32) {
		in = append(in, from, to, asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, int32(at)), asm.Mov.Imm(asm.R5, flags), helper.Call())
	}
	none, diff := asm.Mov.Imm(asm.R3, 0), asm.LoadMem(asm.R4, asm.R10, slotDiff, asm.DWord)
	if p.v4 {
		mend(asm.FnL3CsumReplace, atIPSum, none, diff, 0)
		mend(asm.FnL3CsumReplace, atIPSum, asm.LoadMem(asm.R3, asm.R10, slotClass, asm.Word), asm.LoadMem(asm.R4, asm.R9, flowClass, asm.Half), 2)
	}
	mend(asm.FnL4CsumReplace, p.udpSum(), none, diff, csumMangled|csumPseudo)
	mend(asm.FnL4CsumReplace, p.udpSum(), asm.LoadMem(asm.R3, asm.R10, slotPorts, asm.Word), asm.LoadMem(asm.R4, asm.R9, flowOutPorts, asm.Word), 4|csumMangled)
	store := func(at int16, field, size int32) {
		in = append(in,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, int32(at)),
			asm.Mov.Reg(asm.R3, asm.R9),
			asm.Add.Imm(asm.R3, field),
			asm.Mov.Imm(asm.R4, size),
			asm.Mov.Imm(asm.R5, 0),
			asm.FnSkbStoreBytes.Call())
	}
	store(p.source, flowOut, both)
	store(p.ports, flowOutPorts, 4)
	if p.v4 {
		store(atIP+1, flowClass+1, 1)
	} else {
		store(atIP, flowClass, 4)
		store(atHops, flowHops, 1)
	}
	return in
}

// networkOrder is how a field of two octets in a frame looks when it is loaded.
func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}
