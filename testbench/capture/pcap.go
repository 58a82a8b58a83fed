package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Recording is what was sent, per application.
type Recording struct {
	Datagrams []Datagram
	Streams   []*Stream // one direction of a connection each
}

// Datagram is one UDP payload.
type Datagram struct {
	From, To netip.AddrPort
	Payload  []byte
}

const (
	magicMicro, magicNano = 0xA1B2C3D4, 0xA1B23C4D
	fileHeader            = 24
	recordHeader          = 16
	ethernetHeader        = 14
	linkEthernet          = 1
	etherIPv4             = 0x0800
	protocolTCP           = 6
	protocolUDP           = 17
)

var errPacket = errors.New("a packet that is cut or not understood")

// parse reads a pcap file.
func parse(data []byte) (*Recording, error) {
	if len(data) < fileHeader {
		return nil, errors.New("the recording is no pcap file")
	}
	var order binary.ByteOrder = binary.LittleEndian
	if magic := binary.BigEndian.Uint32(data); magic == magicMicro || magic == magicNano {
		order = binary.BigEndian
	}
	if magic := order.Uint32(data); magic != magicMicro && magic != magicNano {
		return nil, errors.New("the recording is no pcap file")
	}
	if link := order.Uint32(data[20:]); link != linkEthernet {
		return nil, fmt.Errorf("the recording is of link type %d", link)
	}
	r, connections := &Recording{}, map[flow]*Stream{}
	for data = data[fileHeader:]; len(data) > 0; {
		if len(data) < recordHeader {
			return nil, errPacket
		}
		size, was := order.Uint32(data[8:]), order.Uint32(data[12:])
		if size != was || int(size) > len(data)-recordHeader {
			return nil, errPacket
		}
		if err := r.packet(data[recordHeader:recordHeader+size], connections); err != nil {
			return nil, err
		}
		data = data[recordHeader+size:]
	}
	for _, s := range r.Streams {
		if len(s.early) > 0 {
			return nil, fmt.Errorf("the recording misses octets of the connection from %v to %v", s.From, s.To)
		}
	}
	return r, nil
}

// packet takes one Ethernet frame apart.
func (r *Recording) packet(b []byte, connections map[flow]*Stream) error {
	if len(b) < ethernetHeader || binary.BigEndian.Uint16(b[12:]) != etherIPv4 {
		return errPacket
	}
	ip := b[ethernetHeader:]
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return errPacket
	}
	header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if total > len(ip) || header < 20 || header > total || binary.BigEndian.Uint16(ip[6:])&0x3FFF != 0 {
		return errPacket // fragments too: loopback has no need of them
	}
	from, to := netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
	protocol, body := ip[9], ip[header:total]
	if protocol != protocolTCP && protocol != protocolUDP {
		return nil // ICMP
	}
	if len(body) < 8 {
		return errPacket
	}
	f := flow{
		netip.AddrPortFrom(from, binary.BigEndian.Uint16(body)),
		netip.AddrPortFrom(to, binary.BigEndian.Uint16(body[2:])),
	}
	if protocol == protocolUDP {
		r.Datagrams = append(r.Datagrams, Datagram{f.from, f.to, body[8:]})
		return nil
	}
	return r.segment(f, body, connections)
}
