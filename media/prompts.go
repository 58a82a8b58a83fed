package media

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// shipped are the prompts that come with the program: made by prompts/make.sh
// with a speech synthesiser whose output is free to use.
//
//go:embed prompts/*.wav
var shipped embed.FS

// Ringback is the prompt that is generated where no file has its name.
const Ringback = "ringback"

// Bounds of the operator's folder.
const (
	mostPrompts = 64
	promptExt   = ".wav"
)

// Prompts are sounds by name. They do not change.
type Prompts struct{ sounds map[string]*Sound }

// LoadPrompts reads the shipped prompts and those of a folder, if it is not
// empty: NAME.wav there stands for the shipped NAME, or adds to them. Files of
// other kinds are left alone. All faults are told at once.
func LoadPrompts(dir string) (*Prompts, error) {
	p := &Prompts{map[string]*Sound{Ringback: ringbackTone()}}
	sub, err := fs.Sub(shipped, "prompts")
	if err == nil {
		err = p.read(sub)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the shipped prompts: %w", err)
	}
	if dir == "" {
		return p, nil
	}
	if err := p.read(os.DirFS(dir)); err != nil {
		return nil, fmt.Errorf("reading the prompts' folder: %w", err)
	}
	return p, nil
}

// Sound is a prompt by its name, nil where there is none.
func (p *Prompts) Sound(name string) *Sound { return p.sounds[name] }

// Names lists the prompts in order.
func (p *Prompts) Names() []string { return slices.Sorted(maps.Keys(p.sounds)) }

func (p *Prompts) read(dir fs.FS) error {
	files, err := fs.Glob(dir, "*"+promptExt)
	if err != nil {
		return err
	}
	if files == nil { // a missing folder looks like an empty one
		if _, err := fs.ReadDir(dir, "."); err != nil {
			return err
		}
	}
	if len(files) > mostPrompts {
		return fmt.Errorf("there are more than %d prompts", mostPrompts)
	}
	var faults []error
	for _, file := range files {
		s, err := readPrompt(dir, file)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path.Base(file), err))
			continue
		}
		p.sounds[strings.TrimSuffix(file, promptExt)] = s
	}
	return errors.Join(faults...)
}

func readPrompt(dir fs.FS, file string) (*Sound, error) {
	f, err := dir.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(maxWAV)+1))
	if err != nil {
		return nil, err
	}
	return parseWAV(b)
}
