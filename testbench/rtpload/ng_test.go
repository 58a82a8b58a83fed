package rtpload

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// engine answers ng commands by their name; an answer that is empty is lost once.
func engine(t *testing.T, answers map[string]string) *Engine {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 65535)
		lost := false
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			cookie, rest, _ := bytes.Cut(b[:n], []byte{' '})
			asked, err := texts(rest)
			if err != nil {
				t.Errorf("%q: %v", rest, err)
			}
			if !lost { // the first one is
				lost = true
				continue
			}
			_, _ = conn.WriteToUDPAddrPort([]byte("99 d6:result5:wronge"), from) // of another request
			_, _ = conn.WriteToUDPAddrPort([]byte(string(cookie)+" "+answers[asked["command"]]), from)
		}
	}()
	e, err := NewEngine(local(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		e.Close()
		<-done
	})
	return e
}

func TestEngine(t *testing.T) {
	sdp := func(port string) string {
		return string(appendDictionary(nil, nil, "result", "ok", "sdp", "c=IN IP4 127.0.0.1\r\nm=audio "+port+" RTP/AVP 0\r\n"))
	}
	e := engine(t, map[string]string{"ping": "d6:result4:ponge", "offer": sdp("4000"), "answer": sdp("4002"), "delete": "d6:result2:oke"})
	if err := e.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := e.Connect(t.Context(), netip.MustParseAddrPort("127.0.0.2:1"), netip.MustParseAddrPort("127.0.0.3:2"))
	want := Ends{A: netip.MustParseAddrPort("127.0.0.1:4002"), B: netip.MustParseAddrPort("127.0.0.1:4000")}
	if err != nil || got != want {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if err := e.HangUp(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEngineThatRefuses(t *testing.T) {
	e := engine(t, map[string]string{"offer": "d12:error-reason4:none6:result5:errore"})
	if _, err := e.Connect(t.Context(), netip.AddrPort{}, netip.AddrPort{}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("%v", err)
	}
}

func TestVoice(t *testing.T) {
	for _, at := range []string{"127.0.0.1:4000", "[::1]:4000"} {
		want := netip.MustParseAddrPort(at)
		if got, err := voice(describe(want)); err != nil || got != want {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	for _, text := range []string{"", "c=IN IP4 127.0.0.1\r\n", "m=audio 4000 RTP/AVP 0\r\n", "c=IN IP4 here\r\nm=audio 4000 RTP/AVP 0\r\n"} {
		if got, err := voice([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
