package ticketpdf

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

//go:embed fonts
var files embed.FS

// others are the faces for what the first face lacks, in the order in which they are asked. The
// Japanese one comes before the Chinese one, which has Korean too; names say no language.
var others = []string{
	"DejaVuSans.ttf", "NotoSansJP.ttf", "WenQuanYiMicroHei.ttc", "NotoSansDevanagari.ttf", "NotoSansBengali.ttf", "NotoSansTamil.ttf",
	"NotoSansTelugu.ttf", "NotoSansThai.ttf", "NotoSansGujarati.ttf", "NotoSansGurmukhi.ttf", "NotoSansKannada.ttf",
	"NotoSansMalayalam.ttf", "NotoSansSinhala.ttf", "NotoSansKhmer.ttf", "NotoSansLao.ttf", "NotoSansMyanmar.ttf",
	"NotoSansEthiopic.ttf", "NotoEmoji.ttf", "NotoSansMath.ttf",
}

// read gives the fonts, parsed once.
var read = sync.OnceValues(func() (all map[string]*font.Font, err error) {
	all = map[string]*font.Font{}
	for _, name := range append([]string{"DejaVuSans-Bold.ttf"}, others...) {
		data, err := fs.ReadFile(files, "fonts/"+name)
		if err != nil {
			return nil, err
		}
		faces, err := font.ParseTTC(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("font %s: %w", name, err)
		}
		all[name] = faces[0].Font
	}
	return all, nil
})

// faces finds a face for a character. It is for one goroutine.
type faces []*font.Face

func facesOf(style string) (faces, error) {
	fonts, err := read()
	if err != nil {
		return nil, err
	}
	var all faces
	if style == bold {
		all = append(all, font.NewFace(fonts["DejaVuSans-Bold.ttf"]))
	}
	for _, name := range others {
		all = append(all, font.NewFace(fonts[name]))
	}
	return all, nil
}

// ResolveFace implements shaping.Fontmap.
func (f faces) ResolveFace(r rune) *font.Face {
	for _, face := range f {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return f[0] // its box
}

// plain tells whether text is of scripts that are written letter after letter from the left, all
// of them in the first face: the page then has it as text, and nothing is to be worked out.
func plain(text string) bool {
	fonts, err := read()
	if err != nil {
		return true
	}
	face := fonts["DejaVuSans.ttf"]
	for _, r := range text {
		_, have := face.NominalGlyph(r)
		const last = 0xFFFF // that the library of pages can write as text
		if !have || r > last || !unicode.In(r, unicode.Common, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian) {
			return false
		}
	}
	return true
}

// set breaks text into lines of shaped glyphs, each from left to right. The library panics on some
// texts that no name should be: then there is an error.
func set(text, style string, size float64, width float64) (lines []shaping.Line, direction di.Direction, err error) {
	defer func() {
		if v := recover(); v != nil {
			lines, err = nil, fmt.Errorf("shape text: %v", v)
		}
	}()
	fontmap, err := facesOf(style)
	if err != nil {
		return nil, 0, err
	}
	runes := []rune(text)
	direction = towards(runes)
	input := shaping.Input{Text: runes, RunEnd: len(runes), Direction: direction, Size: fixed.Int26_6(size * 64), Language: language.NewLanguage("und")}
	var shaper shaping.HarfbuzzShaper
	var runs []shaping.Output
	for _, part := range new(shaping.Segmenter).Split(input, fontmap) {
		runs = append(runs, shaper.Shape(part))
	}
	var wrapper shaping.LineWrapper
	lines, _ = wrapper.WrapParagraphF(shaping.WrapConfig{Direction: direction}, fixed.Int26_6(width*64), runes, shaping.NewSliceIterator(runs))
	return lines, direction, nil
}

// towards gives the direction of the first letter that has one.
func towards(text []rune) di.Direction {
	for _, r := range text {
		if unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			return di.DirectionRTL
		}
		if unicode.IsLetter(r) {
			break
		}
	}
	return di.DirectionLTR
}
