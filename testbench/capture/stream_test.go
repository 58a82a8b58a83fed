package capture

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// ethernet makes a frame of an IPv4 packet between two loopback addresses.
func ethernet(protocol byte, body []byte) []byte {
	b := make([]byte, ethernetHeader, 100)
	binary.BigEndian.PutUint16(b[12:], etherIPv4)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(body)))
	b = append(b, 0, 0, 0x40, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2)
	return append(b, body...)
}

func segment(sequence uint32, flags byte, text string) []byte {
	b := []byte{0, 10, 0, 20}
	b = binary.BigEndian.AppendUint32(b, sequence)
	b = append(b, 0, 0, 0, 0, 5<<4, flags, 0, 0, 0, 0, 0, 0)
	return ethernet(protocolTCP, append(b, text...))
}

func datagram(text string) []byte {
	return ethernet(protocolUDP, append([]byte{0, 10, 0, 20, 0, byte(8 + len(text)), 0, 0}, text...))
}

func pcap(frames ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magicMicro)
	b = append(b, make([]byte, 16)...)
	b = binary.LittleEndian.AppendUint32(b, linkEthernet)
	for _, f := range frames {
		b = append(b, make([]byte, 8)...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

func TestSegmentsBecomeStreams(t *testing.T) {
	const syn, ack = flagSYN, 0x10
	wrap := ^uint32(0) - 1 // the second octet has sequence number 0
	cases := []struct {
		name   string
		frames [][]byte
		want   []string
	}{
		{"in order", [][]byte{segment(100, syn, ""), segment(101, ack, "ab"), segment(103, ack, "cd")}, []string{"abcd"}},
		{"repeated", [][]byte{segment(100, syn, ""), segment(100, syn, ""), segment(101, ack, "ab"), segment(101, ack, "abcd")}, []string{"abcd"}},
		{"swapped", [][]byte{segment(100, syn, ""), segment(105, ack, "ef"), segment(103, ack, "cd"), segment(101, ack, "ab")}, []string{"abcdef"}},
		{"sequence numbers wrap", [][]byte{segment(wrap, syn, ""), segment(wrap+1, ack, "a"), segment(wrap+2, ack, "bc")}, []string{"abc"}},
		{"one after the other", [][]byte{segment(100, syn, ""), segment(101, ack, "ab"), segment(900, syn, ""), segment(901, ack, "cd")}, []string{"ab", "cd"}},
		{"begun before the recording", [][]byte{segment(101, ack, "ab")}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := parse(pcap(c.frames...))
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Streams) != len(c.want) {
				t.Fatalf("%d streams", len(r.Streams))
			}
			for i, s := range r.Streams {
				if string(s.Data) != c.want[i] {
					t.Errorf("stream %d is %q", i, s.Data)
				}
			}
		})
	}
}

func TestDatagrams(t *testing.T) {
	r, err := parse(pcap(datagram("one"), datagram("two")))
	if err != nil || len(r.Datagrams) != 2 || !bytes.Equal(r.Datagrams[1].Payload, []byte("two")) {
		t.Fatalf("%v %+v", err, r)
	}
	if d := r.Datagrams[0]; d.From.String() != "127.0.0.1:10" || d.To.String() != "127.0.0.2:20" {
		t.Fatalf("from %v to %v", d.From, d.To)
	}
}

func TestGapsAndCutsAreTold(t *testing.T) {
	whole := pcap(datagram("one"))
	cases := map[string][]byte{
		"a gap":          pcap(segment(100, flagSYN, ""), segment(103, 0x10, "cd")),
		"a cut record":   whole[:len(whole)-1],
		"no pcap":        bytes.Repeat([]byte{7}, 100),
		"empty":          nil,
		"a short packet": pcap([]byte{1, 2, 3}),
	}
	for name, data := range cases {
		if _, err := parse(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
