package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
)

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	british, strict := numberForm{Country: "gb"}, numberForm{Country: "GB", Strict: true}
	cases := []struct {
		name, in string
		form     numberForm
		want     string
		fault    error
	}{
		{"international digits", "447700900101", numberForm{}, "+447700900101", nil},
		{"national, but no country", "07700900101", numberForm{}, "+07700900101", nil}, // its form is right
		{"national", "07700 900101", british, "+447700900101", nil},
		{"national with brackets", "(020) 7946-0011", british, "+442079460011", nil},
		{"of another country", "+33 6 12 34 56 78", british, "+33612345678", nil},
		{"digits of another country are national", "33612345678", british, "+4433612345678", nil},
		{"only strict: from the country code on", "44 20 7946 0011", numberForm{Strict: true}, "+442079460011", nil},
		{"a plan that knows it", "020 7946 0011", strict, "+442079460011", nil},
		{"a plan that does not know it", "0111 11", strict, "", errPlan},
		{"letters", "0800 FLOWERS", british, "", errWritten},
		{"an extension", "020 7946 0011 x12", british, "", errWritten},
		{"an extension of the URI's kind", "+442079460011;ext=12", british, "", errWritten},
		{"nothing", "", british, "", errWritten},
		{"a plus alone", "+", british, "", errWritten},
		{"other digits", "٠٢٠٧٩٤٦٠٠١١", british, "", errWritten},
		{"too long", strings.Repeat("1 ", 40), british, "", errWritten},
		{"too short for a number", "112", british, "", e164.ErrLength},
		{"an unknown country code", "+999123456", british, "", errNational},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n, err := c.form.read(c.in)
			if n.Reveal() != c.want || !errors.Is(err, c.fault) {
				t.Fatalf("%s, %v", n.Reveal(), err)
			}
		})
	}
	if (&numberForm{Country: "UK"}).check() == nil || (&numberForm{Country: "gb"}).check() != nil {
		t.Error("the check of the country")
	}
}

func TestBindingsAreRewritten(t *testing.T) {
	in := "\ufeffmask,party,to,present,services\r\n020 7946 0011,*,tel:07700 900202,\"020 7946 0022\",sms\n020 7946 0033,07700900101,smpp:shop,+442079460033,sms"
	want := "\ufeffmask,party,to,present,services\r\n+442079460011,*,tel:+447700900202,+442079460022,sms\n+442079460033,+447700900101,smpp:shop,+442079460033,sms\n"
	form := numberForm{Country: "GB"}
	got, err := io.ReadAll(form.rewrite(strings.NewReader(in)))
	if err != nil || string(got) != want {
		t.Fatalf("%v\n%s", err, got)
	}
	_, err = io.ReadAll(form.rewrite(strings.NewReader(in + "\n0800 FLOWERS,*,smpp:shop,1234,sms\n,*,x\n")))
	var faults *numberdb.Faults
	if !errors.As(err, &faults) || len(faults.List) != 2 || !strings.HasPrefix(err.Error(), "line 4: mask: expected digits") {
		t.Fatal(err)
	}
	again, err := io.ReadAll((&numberForm{}).rewrite(strings.NewReader(in)))
	if err != nil || string(again) != in {
		t.Fatalf("without a flag the file is changed: %v", err)
	}
}

// National numbers are imported and asked about, with an edge and without one.
func TestNationalNumbersAtTheCommandLine(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			if name == "with an edge" {
				startEdge(t, c)
			}
			header := "mask,party,to,present,services,carriers,expires_at\n"
			c.write("national.csv", header+"020 7946 0044,07700 900101,tel:07700 900202,020 7946 0055,sms,,\n")
			c.ok("routes", "import", "national.csv", "--country", "GB", "--config", "edge.yaml")
			want := header + "+442079460044,+447700900101,tel:+447700900202,+442079460055,sms,,\n"
			if out := c.ok("routes", "export", "--config", "edge.yaml"); out != want {
				t.Errorf("export:\n%s", out)
			}
			if out := c.ok("route", "07700 900101", "(020) 7946 0044", "--country", "GB", "--config", "edge.yaml"); !strings.Contains(out, "presented as  +442079460055") {
				t.Errorf("route:\n%s", out)
			}
			c.write("bad.csv", header+"020 7946 0066,*,tel:0800 FLOWERS,020 7946 0055,sms,,\n020 7946 0077,*,tel:07700 900202,0,sms,,\n")
			code, _, errs := c.run("routes", "import", "bad.csv", "--country", "GB", "--config", "edge.yaml")
			if code != 1 || !strings.Contains(errs, "nothing of it was applied\nline 2: to: expected digits") || !strings.Contains(errs, "\nline 3: present: ") {
				t.Errorf("exit %d: %s", code, errs)
			}
			if out := c.ok("routes", "export", "--config", "edge.yaml"); out != want {
				t.Errorf("a refused file changed the store:\n%s", out)
			}
			if code, _, _ := c.run("routes", "import", "bad.csv", "--country", "UK", "--config", "edge.yaml"); code != 1 {
				t.Error("a country that is none")
			}
		})
	}
}
