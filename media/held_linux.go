package media

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// heldPorts knows which ports of the range other sockets of this host have. It
// reads the kernel's list, at most once in a while: binding each port to try it
// costs more than all else in a call's set-up.
type heldPorts struct {
	cfg *Config
	now clock

	mu   sync.Mutex
	read time.Duration // when the list was read; 0: never
	held map[uint16]bool
}

// heldFresh is how old the list may be.
const heldFresh = time.Second

func (h *heldPorts) has(port uint16) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.now(); h.read == 0 || now-h.read > heldFresh {
		h.held = map[uint16]bool{}
		for _, file := range []string{"/proc/net/udp", "/proc/net/udp6"} {
			if err := h.readList(file); err != nil {
				return false, fmt.Errorf("reading the list of sockets: %w", err)
			}
		}
		h.read = now
	}
	return h.held[port], nil
}

func (h *heldPorts) readList(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) { // no IPv6 here
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if local, ok := parseHex(fields[1]); ok && h.concerns(local) {
			h.held[local.Port()] = true
		}
	}
	return lines.Err()
}

// concerns reports whether a socket with this address gets our datagrams.
func (h *heldPorts) concerns(local netip.AddrPort) bool {
	ip := local.Addr().Unmap()
	return local.Port() >= h.cfg.PortMin && local.Port() <= h.cfg.PortMax &&
		(ip == h.cfg.Addr || ip.IsUnspecified() && (ip.Is6() || h.cfg.Addr.Is4()))
}

// parseHex reads an address as the kernel lists it: words of 32 bits in the
// host's order, a colon, the port.
func parseHex(text string) (netip.AddrPort, bool) {
	address, port, _ := strings.Cut(text, ":")
	words, err := hex.DecodeString(address)
	n, errPort := strconv.ParseUint(port, 16, 16)
	if err != nil || errPort != nil || len(words)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	ip, ok := netip.AddrFromSlice(words)
	return netip.AddrPortFrom(ip, uint16(n)), ok
}
