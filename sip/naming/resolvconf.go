package naming

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"strings"
)

const (
	mostServers    = 3 // of the file, as resolvers have it
	mostResolvConf = 64 << 10
	dnsPort        = 53
)

// serversOf reads the servers of a resolv.conf; without any, the machine's own, as
// resolv.conf(5) has it.
func serversOf(path string) []netip.AddrPort {
	local := []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort), netip.AddrPortFrom(netip.IPv6Loopback(), dnsPort)}
	file, err := os.Open(path)
	if err != nil {
		return local
	}
	defer func() { _ = file.Close() }()
	if all := parseServers(io.LimitReader(file, mostResolvConf)); len(all) > 0 {
		return all
	}
	return local
}

func parseServers(r io.Reader) (all []netip.AddrPort) {
	for lines := bufio.NewScanner(r); len(all) < mostServers && lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(fields[1]); err == nil {
			all = append(all, netip.AddrPortFrom(addr, dnsPort))
		}
	}
	return all
}
