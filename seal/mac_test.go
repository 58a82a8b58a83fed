package seal

import (
	"fmt"
	"strings"
	"testing"
)

func TestMAC(t *testing.T) {
	key := Generate()
	one, other := key.MAC("one"), key.MAC("other")
	code := one.Sum([]byte("data"))
	switch {
	case !one.Is(code[:], []byte("data")):
		t.Error("a code is not its own")
	case one.Is(code[:], []byte("Data")), one.Is(code[:MACSize-1], []byte("data")), one.Is(nil, []byte("data")):
		t.Error("another code or other data are taken")
	case other.Is(code[:], []byte("data")), Generate().MAC("one").Is(code[:], []byte("data")):
		t.Error("another purpose or key makes the same")
	}
	if text := fmt.Sprintf("%v %s %x %#v", one, one, one, *one); strings.Contains(text, fmt.Sprintf("%x", one.key)) {
		t.Error("the key is printed")
	}
}
