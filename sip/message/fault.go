package message

import "fmt"

// Fault is a message that we refuse. Its texts are ours alone.
type Fault struct {
	Code   int    // SIP status code for the answer; 0: dropped without one
	Name   string // name in metrics
	Header string // a header that the answer must carry, "Unsupported: 100rel"; may be empty
}

// Error is the fault in words.
func (f *Fault) Error() string {
	if f.Code == 0 {
		return "dropped: " + f.Name
	}
	return fmt.Sprintf("%d %s: %s", f.Code, phrase(f.Code), f.Name)
}

func fault(code int, name string) *Fault { return &Fault{Code: code, Name: name} }
