//! Comparisons of tricky sources, and of all of the course's solutions.

use super::align::{NameMap, Sameness, Stream, sameness};
use super::code::substituted;
use super::rename;
use super::*;
use crate::course::Course;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::LazyLock;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

static FORMATTER: LazyLock<Formatter> =
    LazyLock::new(|| Formatter::of(Path::new(env!("CARGO_MANIFEST_DIR"))));

fn code(source: &str) -> Result<Code> {
    Ok(Code::of(
        vec![("lib.rs".to_owned(), source.to_owned())],
        &FORMATTER,
    )?)
}

fn solution(name: &str, source: &str) -> Result<Solution> {
    Ok(Solution {
        name: name.to_owned(),
        about: None,
        sources: vec![],
        code: code(source)?,
    })
}

const ALL: Choice<'static> = Choice {
    is_wanted: &|_| true,
    against: None,
    names: false,
};

/// The comparison of a source with one solution.
fn compared(yours: &str, theirs: &str) -> Result<Comparison> {
    let solutions = [solution(REFERENCE, theirs)?];
    Ok(compare(&code(yours)?, &solutions, ALL, &FORMATTER)?)
}

fn verdicts(yours: &str, theirs: &str) -> Result<Vec<(String, Verdict)>> {
    let items = compared(yours, theirs)?.items;
    Ok(items.into_iter().map(|it| (it.item, it.verdict)).collect())
}

/// The verdict on a source of one item.
fn verdict(yours: &str, theirs: &str) -> Result<Verdict> {
    let all = verdicts(yours, theirs)?;
    let [(_, verdict)] = all.as_slice() else {
        return Err(format!("{all:?} is not one item").into());
    };
    Ok(*verdict)
}

/// A line of a row.
fn text(line: &[Span]) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

/// The solution's lines of the first item, as they are shown.
fn theirs(comparison: &Comparison) -> Vec<String> {
    let rows = comparison.items[0].rows.iter();
    rows.filter_map(|row| Some(text(row.theirs.as_ref()?)))
        .collect()
}

#[test]
fn comments_documentation_and_layout_are_no_difference() -> Result {
    let yours = "/// Mine.\npub fn f(x: f32)->f32{ // why\n  g(x ,1.0,) }";
    let theirs = "/// Theirs.\n///\n/// At length.\npub fn f(x: f32) -> f32 {\n    // so\n    g(x, 1.0)\n}\n";
    assert_eq!(verdict(yours, theirs)?, Verdict::Same);
    Ok(())
}

#[test]
fn names_of_locals_and_parameters_are_no_difference() -> Result {
    let pairs = [
        // Shadowing is as good as a new name, and no other.
        (
            "let y = x + 1; let y = y * 2; y",
            "let a = x + 1; let b = a * 2; b",
        ),
        (
            "let f = |a: u32| a + x; f(2)",
            "let plus = |x1: u32| x1 + x; plus(2)",
        ),
        (
            "let n = x; format!(\"{n} of {x:>n$}\"); n as u32",
            "let of = x; format!(\"{of} of {x:>of$}\"); of as u32",
        ),
        (
            "let n = x; assert!(n > 0, \"{n:?}\"); n",
            "let m = x; assert!(m > 0, \"{m:?}\"); m",
        ),
        (
            "let P { a, ref b } = p(x); a + b",
            "let P { a: c, ref b } = p(x); c + b",
        ),
        (
            "let a = x; P { a, b: 1 }.a",
            "let c = x; P { a: c, b: 1 }.a",
        ),
        (
            "match p(x) { Some(v) if v > 1 => v, A::B(v) | A::C(v) => v, _ => 0 }",
            "match p(x) { Some(w) if w > 1 => w, A::B(w) | A::C(w) => w, _ => 0 }",
        ),
        (
            "if let Some(v) = p(x) && v > 2 { return v; } x",
            "if let Some(w) = p(x) && w > 2 { return w; } x",
        ),
        (
            "for (i, v) in p(x).enumerate() { q(i, v); } 0",
            "for (k, w) in p(x).enumerate() { q(k, w); } 0",
        ),
        (
            "let Some(v) = p(x) else { return 0 }; v",
            "let Some(w) = p(x) else { return 0 }; w",
        ),
        (
            "fn own(v: u32) -> u32 { v } own(x)",
            "fn own(w: u32) -> u32 { w } own(x)",
        ),
        ("let v = vec![x; 3]; v[0]", "let w = vec![x; 3]; w[0]"),
        (
            "let v = p(x); u32::from(matches!(v, Some(y) if y > 1))",
            "let w = p(x); u32::from(matches!(w, Some(z) if z > 1))",
        ),
        // A longer name breaks lines, and rustfmt then adds braces and commas.
        (
            "let a = p(x); g(|b| call(a, b, 1000, 2000, 3000, 4000, 5000))",
            "let a_long_name_that_fills_a_line = p(x); g(|another_long_name_that_fills_it| call(a_long_name_that_fills_a_line, another_long_name_that_fills_it, 1000, 2000, 3000, 4000, 5000))",
        ),
    ];
    for (yours, theirs) in pairs {
        let source = |body: &str| format!("pub fn f(x: u32) -> u32 {{ {body} }}");
        let found = verdict(&source(yours), &source(theirs))?;
        assert_eq!(found, Verdict::SameButNames, "{yours}\n{theirs}");
    }
    let [yours, theirs] = ["a", "b"].map(|it| format!("pub fn f({it}: u32) -> u32 {{ {it} }}"));
    assert_eq!(verdict(&yours, &theirs)?, Verdict::SameButNames);
    Ok(())
}

#[test]
fn another_structure_is_a_difference_even_where_names_agree() -> Result {
    let pairs = [
        ("let a = x; let b = a; a", "let a = x; let b = a; b"),
        (
            "let a = p(x); let b = q(x); a - b",
            "let a = p(x); let b = q(x); b - a",
        ),
        (
            "let y = x; { let y = 2; } y",
            "let y = x; { let z = 2; } z()",
        ),
        ("x + 1", "x + 2"),
        ("\"a\"; x", "\"b\"; x"),
        ("r\"a\\n\"; x", "\"a\\n\"; x"),
        ("format!(\"{x}\"); x", "format!(\"{}\", x); x"),
        // The name of a field is no local's.
        ("p.a + x", "p.b + x"),
        ("P { a: x }.a", "P { b: x }.a"),
        // An unknown macro may do anything with a name.
        (
            "let a = x; stringify!(a).len()",
            "let b = x; stringify!(b).len()",
        ),
        ("let t = (x,); t.0", "let t = (x); t.0"),
        // A constant in a pattern binds nothing.
        ("match x { A => 1, _ => 2 }", "match x { B => 1, _ => 2 }"),
    ];
    for (yours, theirs) in pairs {
        let source = |body: &str| format!("pub fn f(x: u32) -> u32 {{ {body} }}");
        let found = verdict(&source(yours), &source(theirs))?;
        assert_eq!(found, Verdict::Differs, "{yours}\n{theirs}");
    }
    Ok(())
}

#[test]
fn a_nested_function_does_not_see_the_locals_around_it() -> Result {
    let yours = "pub fn f(x: u32) -> u32 { fn g() -> u32 { x() } x + g() }";
    let theirs = "pub fn f(y: u32) -> u32 { fn g() -> u32 { x() } y + g() }";
    assert_eq!(verdict(yours, theirs)?, Verdict::SameButNames);
    Ok(())
}

#[test]
fn methods_in_another_order_and_block_are_the_same_methods() -> Result {
    let yours = "pub struct A; impl A { pub fn b(&self) -> u32 { 2 } } impl A { pub fn a(&self) -> u32 { 1 } }";
    let theirs =
        "pub struct A; impl A { pub fn a(&self) -> u32 { 1 } pub fn b(&self) -> u32 { 3 } }";
    assert_eq!(
        verdicts(yours, theirs)?,
        [
            ("A".to_owned(), Verdict::Same),
            ("A::b".to_owned(), Verdict::Differs),
            ("A::a".to_owned(), Verdict::Same),
        ]
    );
    Ok(())
}

#[test]
fn methods_of_traits_and_of_several_types_are_told_apart() -> Result {
    let source = "pub struct A; pub struct B<T>(T);
        impl Default for A { fn default() -> Self { A } }
        impl<T: Default> Default for B<T> { fn default() -> Self { B(T::default()) } }";
    let paths: Vec<_> = verdicts(source, source)?
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(
        paths,
        [
            "A",
            "B",
            "<A as Default>::default",
            "<B as Default>::default"
        ]
    );
    Ok(())
}

#[test]
fn a_helper_with_another_name_is_found_by_its_types_and_is_no_difference() -> Result {
    let yours = "pub fn f(x: u32) -> u32 { split(x, 2) }\nfn split(whole: u32, by: u32) -> u32 { assert!(by > 0); whole / by }";
    let theirs = "fn divide(a: u32, b: u32) -> u32 { assert!(b > 0); a / b }\npub fn f(x: u32) -> u32 { divide(x, 2) }";
    let all = verdicts(yours, theirs)?;
    assert!(
        all.iter().all(|(_, it)| *it == Verdict::SameButNames),
        "{all:?}"
    );
    Ok(())
}

#[test]
fn a_helper_that_the_solution_has_not_is_shown_below_the_item_that_uses_it() -> Result {
    let yours = "pub fn f(x: u32) -> u32 { half(x) + 1 }\n// Rounded down.\nfn half(x: u32) -> u32 { x / 2 }";
    let comparison = compared(yours, "pub fn f(x: u32) -> u32 { x / 2 + 1 }")?;
    let [item] = comparison.items.as_slice() else {
        panic!("{comparison:?}");
    };
    assert_eq!(item.helpers, ["half"]);
    assert!(item.their_helpers.is_empty() && comparison.unused.is_empty());
    let own = item.rows.iter().filter_map(|row| row.yours.as_deref());
    let own: Vec<_> = own.map(text).collect();
    assert!(own.contains(&"// Rounded down.".to_owned()), "{own:?}");
    assert!(
        own.contains(&"fn half(x: u32) -> u32 {".to_owned()),
        "{own:?}"
    );
    // And the other way round.
    let comparison = compared("pub fn f(x: u32) -> u32 { x / 2 + 1 }", yours)?;
    assert_eq!(comparison.items[0].their_helpers, ["half"]);
    assert!(theirs(&comparison).contains(&"fn half(x: u32) -> u32 {".to_owned()));
    Ok(())
}

#[test]
fn the_solution_is_shown_with_the_learners_names() -> Result {
    let yours = "pub fn f(images: &[f32]) -> f32 { let total = images.iter().sum(); let n = images.len(); total / n as f32 }";
    let reference = "pub fn f(x: &[f32]) -> f32 { let s: f32 = x.iter().sum(); let count = x.len(); s * 1.0 / count as f32 }";
    let comparison = compared(yours, reference)?;
    assert_eq!(
        theirs(&comparison),
        [
            "pub fn f(images: &[f32]) -> f32 {",
            "    let total: f32 = images.iter().sum();",
            "    let n = images.len();",
            "    total * 1.0 / n as f32",
            "}"
        ]
    );
    Ok(())
}

#[test]
fn a_name_that_would_mean_something_else_there_is_left_alone() -> Result {
    // `x` for `a` would hide the parameter, which is used once more; `scale` for `b` would hide the function.
    let yours = "pub fn f(x: f32) -> f32 { let x = x.sqrt(); let scale = x * 2.0; scale }";
    let reference =
        "pub fn f(x: f32) -> f32 { let a = x.sqrt(); let b = a * 2.0; b + x + scale(x) }";
    let shown = theirs(&compared(yours, reference)?);
    assert!(
        shown.contains(&"    let a = x.sqrt();".to_owned()),
        "{shown:?}"
    );
    assert!(
        shown.iter().any(|line| line.contains("+ x + scale(x)")),
        "{shown:?}"
    );
    assert!(
        !shown.iter().any(|line| line.contains("let scale")),
        "{shown:?}"
    );
    Ok(())
}

#[test]
fn shorthand_fields_and_captured_names_are_renamed_as_they_must() -> Result {
    let yours = "pub fn f(c: &C) -> P { let &C { size, .. } = c; let n = size * 2; assert!(n > 0, \"{n}\"); P { n, size, more: 1 } }";
    let reference = "pub fn f(c: &C) -> P { let &C { size: s, .. } = c; let twice = s * 2; assert!(twice > 0, \"{twice}\"); P { n: twice, size: s, more: 2 } }";
    let shown = theirs(&compared(yours, reference)?).concat();
    for part in [
        "let &C { size, .. } = c;",
        "assert!(n > 0, \"{n}\");",
        "n,",
        "size,",
        "more: 2",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    Ok(())
}

#[test]
fn a_helper_stands_for_what_the_solution_does_in_place() -> Result {
    let yours =
        "pub fn f(x: &T) -> T { let logits = x.mul(2); let shares = soft(&logits); shares.mul(x) }
        fn soft(v: &T) -> T { let e = v.exp(); &e / e.sum() }";
    let theirs = "pub fn f(x: &T) -> T { let l = x.mul(2); let exponentials = l.exp(); let w = &exponentials / exponentials.sum(); w.mul(x) }";
    let shown = theirs_of(yours, theirs)?;
    assert_eq!(
        shown,
        [
            "pub fn f(x: &T) -> T {",
            "    let logits = x.mul(2);",
            "    let e = logits.exp();",
            "    let shares = &e / e.sum();",
            "    shares.mul(x)",
            "}"
        ]
    );
    Ok(())
}

fn theirs_of(yours: &str, reference: &str) -> Result<Vec<String>> {
    Ok(theirs(&compared(yours, reference)?))
}

#[test]
fn the_nearest_solution_is_shown_and_the_reference_where_others_are_as_near() -> Result {
    let looped = "pub fn f(x: &[f32]) -> f32 { let mut s = 0.0; for v in x { s += v; } s }";
    let summed = "pub fn f(x: &[f32]) -> f32 { x.iter().sum() }";
    let folded = "pub fn f(x: &[f32]) -> f32 { x.iter().fold(0.0, |a, b| a + b) }";
    let solutions = [
        solution(REFERENCE, summed)?,
        solution("again", summed)?,
        solution("loops", looped)?,
    ];
    let nearest = |source: &str| -> Result<_> {
        let comparison = compare(&code(source)?, &solutions, ALL, &FORMATTER)?;
        Ok((comparison.nearest.clone(), comparison.items[0].clone()))
    };
    let (name, item) = nearest(
        "pub fn f(x: &[f32]) -> f32 { let mut total = 0.0; for it in x { total += it; } total }",
    )?;
    assert_eq!(
        (name.as_str(), item.verdict),
        ("loops", Verdict::SameButNames)
    );
    let (name, item) = nearest(summed)?;
    assert_eq!((name.as_str(), item.verdict), (REFERENCE, Verdict::Same));
    let (name, item) = nearest(folded)?;
    assert_eq!(
        (name.as_str(), item.against.as_str()),
        (REFERENCE, REFERENCE)
    );
    let other = "pub fn f(x: &[f32]) -> f32 { match x { [] => 0.0, [first, rest @ ..] => *first + f(rest) } }";
    assert!(nearest(other)?.1.unlike);
    Ok(())
}

/// All solutions of the course: its exercise, the solution.
fn all_solutions() -> Result<Vec<(String, Vec<Solution>)>> {
    let course = Course::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    let all = course.exercises.iter().map(|exercise| {
        let solutions = Solution::all(&course, exercise, &FORMATTER)?;
        Ok((exercise.name.clone(), solutions))
    });
    all.collect()
}

#[test]
fn every_solution_is_the_same_as_itself_and_the_same_but_for_names_with_fresh_ones() -> Result {
    for (exercise, solutions) in all_solutions()? {
        for solution in &solutions {
            let of = format!("{exercise} {}", solution.name);
            let mut items = 0;
            let files = solution
                .code
                .files
                .iter()
                .enumerate()
                .map(|(number, file)| {
                    let mut edits = vec![];
                    for item in solution.code.items.iter().filter(|it| it.file == number) {
                        let names = 0..item.names.bindings.len();
                        let names: BTreeMap<_, _> =
                            names.map(|i| (i, format!("fresh_{i}"))).collect();
                        let renamed = rename::edits(item.text(&solution.code), item, &names);
                        let free = item.names.bindings.iter().filter(|it| !it.fixed);
                        assert!(
                            free.clone().count() == item.names.bindings.len(),
                            "{of}: {}: {:?}",
                            item.path,
                            item.names.bindings
                        );
                        items += usize::from(!renamed.is_empty());
                        edits.extend(renamed.into_iter().map(|(range, new)| {
                            (item.start + range.start..item.start + range.end, new)
                        }));
                    }
                    (file.path.clone(), substituted(&file.text, &edits))
                });
            let fresh = Code::of(files.collect(), &FORMATTER)?;
            assert!(items > 2, "{of}: only {items} items have names");
            for (a, b) in solution.code.items.iter().zip(&fresh.items) {
                let same = |a, b| {
                    let found = sameness(&Stream::of([a]), &Stream::of([b]), &NameMap::new());
                    found.map(|(sameness, _)| sameness)
                };
                assert_eq!(same(a, a), Some(Sameness::Whole), "{of}: {}", a.path);
                let expected = match a.names.bindings.is_empty() {
                    true => Sameness::Whole,
                    false => Sameness::ButNames,
                };
                assert_eq!(same(b, a), Some(expected), "{of}: {}", a.path);
            }
            let comparison = compare(&fresh, std::slice::from_ref(solution), ALL, &FORMATTER)?;
            for item in &comparison.items {
                assert_ne!(item.verdict, Verdict::Differs, "{of}: {}", item.item);
            }
            assert!(
                comparison.likeness > 0.9999,
                "{of}: {}",
                comparison.likeness
            );
        }
    }
    Ok(())
}

#[test]
fn every_passage_of_a_readme_is_about_items_that_there_are_and_every_exercise_has_some() -> Result {
    let course = Course::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    for exercise in &course.exercises {
        let solutions = Solution::all(&course, exercise, &Formatter::none())?;
        let passages = passages(&course, exercise)?;
        assert!(passages.len() > 2, "{}: {passages:?}", exercise.folder);
        for Passage { items, text } in passages {
            assert!(!text.is_empty(), "{}: {items:?}", exercise.folder);
            for item in items {
                let is_there = solutions[0].code.find(&item).is_some();
                assert!(
                    is_there,
                    "{}/README.md: there is no item {item}",
                    exercise.folder
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_passage_ends_with_the_next_mark_or_heading() {
    let text = "# A\n\nNo.\n\n<!-- items: a, B::c -->\n**One.** x\n\ny\n\n<!-- items: d -->\nTwo.\n\n## B\n\nNo.\n";
    let passages = why::passages_of(text);
    let of = |items: &[&str], text: &str| Passage {
        items: items.iter().map(ToString::to_string).collect(),
        text: text.to_owned(),
    };
    assert_eq!(
        passages,
        [of(&["a", "B::c"], "**One.** x\n\ny"), of(&["d"], "Two.")]
    );
}

#[test]
fn the_inputs_of_every_manifest_are_of_operations_that_there_are() -> Result {
    let course = Course::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))?;
    for exercise in &course.exercises {
        assert!(!exercise.facts.sizes.is_empty(), "{}", exercise.folder);
        for operation in exercise.facts.sizes.keys() {
            let is_there = exercise.operations.contains_key(operation);
            assert!(is_there, "{}: {operation}", exercise.folder);
            assert!(measure::can_measure(
                exercise,
                std::slice::from_ref(operation)
            ));
        }
    }
    Ok(())
}

#[test]
fn lines_are_paired_with_those_that_are_like_them_and_differ_in_words() {
    let rows = lines::rows(
        "let a = f(x); // why\nlet b = g(a, 1);\nb",
        "let a = f(x);\nassert!(a > 0);\nlet b = g(a, 2);\nb // so",
    );
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let marked = |line: &Option<Vec<Span>>| {
                line.iter()
                    .flatten()
                    .fold(String::new(), |text, span| match span.differs {
                        true => format!("{text}<{}>", span.text),
                        false => format!("{text}{}", span.text),
                    })
            };
            (row.same, marked(&row.yours), marked(&row.theirs))
        })
        .collect();
    let row = |same, yours: &str, theirs: &str| (same, yours.to_owned(), theirs.to_owned());
    assert_eq!(
        shown,
        [
            row(true, "let a = f(x); // why", "let a = f(x);"),
            row(false, "", "<assert!(a > 0);>"),
            row(false, "let b = g(a, <1>);", "let b = g(a, <2>);"),
            row(true, "b", "b // so"),
        ]
    );
}

#[test]
fn a_patch_makes_the_items_those_of_the_solution_with_what_they_need() -> Result {
    let yours = "//! Mine.\n\nuse a::B;\n\npub struct S;\n\nimpl S {\n    /// F.\n    pub fn f(&self, x: u32)->u32{ own(x) }\n\n    pub fn g(&self) -> B { B }\n}\n\nfn own(x: u32) -> u32 { x }\n";
    let theirs = "use a::{B, C};\nuse d::Extension;\nuse e::Unneeded;\npub struct S;\nimpl S { pub fn f(&self, x: u32) -> u32 { self.half(x).extended(LEAST) } pub fn g(&self) -> B { B } fn half(&self, y: u32) -> u32 { C::half(y) } }\nconst LEAST: u32 = 2;\npub fn h() -> Unneeded { Unneeded }\n";
    let (own, solutions) = (code(yours)?, [solution(REFERENCE, theirs)?]);
    let comparison = compare(&own, &solutions, ALL, &FORMATTER)?;
    let patch = show::patch("01-a", &own, &comparison, &solutions);
    assert!(
        patch.starts_with("--- a/exercises/01-a/src/lib.rs\n+++ b/exercises/01-a/src/lib.rs\n"),
        "{patch}"
    );
    let new = diffy::apply(yours, &diffy::Patch::from_str(&patch)?)?;
    for line in [
        "use a::C;",
        "use d::Extension;",
        "const LEAST: u32 = 2;",
        "//! Mine.",
        "use a::B;",
    ] {
        assert!(new.contains(line), "{line} in\n{new}");
    }
    assert!(
        !new.contains("Unneeded") && !new.contains("fn own"),
        "{new}"
    );
    let again = compare(&code(&new)?, &solutions, ALL, &FORMATTER)?;
    assert!(
        again.items.iter().all(|it| it.verdict == Verdict::Same),
        "{new}"
    );
    Ok(())
}

/// A report on two sources.
fn report<T>(yours: &str, theirs: &str, show: impl Fn(&show::Report<'_>) -> T) -> Result<T> {
    let solutions = [solution(REFERENCE, theirs)?];
    let comparison = compare(&code(yours)?, &solutions, ALL, &FORMATTER)?;
    Ok(show(&show::Report {
        exercise: "01-a",
        title: "A < B",
        comparison: &comparison,
        closed: vec!["S::g"],
        formatted: true,
        solutions: &solutions,
    }))
}

const YOURS: &str = "pub fn f(x: u32) -> u32 { let y = x + 1; y * 2 }";
const THEIRS: &str = "pub fn f(a: u32) -> u32 { let b = a + 10; b * 2 }";

#[test]
fn a_terminal_has_sides_where_there_is_room_and_marks_where_there_is_no_colour() -> Result {
    let page = |width, color| {
        report(YOURS, THEIRS, |it| {
            show::terminal(it, show::Look { width, color })
        })
    };
    let plain = |page: String| anstream::adapter::strip_str(&page).to_string();
    let wide = plain(page(100, false)?);
    assert!(
        wide.contains("-     let y = x + 1;        │ +     let y = x + 10;\n"),
        "{wide}"
    );
    assert!(wide.contains("                  ^"), "{wide}");
    let narrow = plain(page(40, false)?);
    assert!(narrow.contains("-     let y = x + 1;\n"), "{narrow}");
    assert!(narrow.contains("+     let y = x + 10;\n"), "{narrow}");
    assert!(narrow.contains("S::g"), "{narrow}");
    let coloured = page(100, true)?;
    assert!(
        !coloured.contains('^') && coloured.contains("\u{1b}["),
        "{coloured}"
    );
    Ok(())
}

#[test]
fn no_line_of_code_is_a_command_to_a_service_that_runs_builds() -> Result {
    let yours =
        "pub fn f(x: u32) -> u32 { let y = \"\n::error::a\n ##vso[b]\n\"; x + y.len() as u32 }";
    for theirs in [yours.replace("+ y", "- y"), THEIRS.to_owned()] {
        for (width, color) in [(200, true), (200, false), (40, true), (40, false)] {
            let page = report(yours, &theirs, |it| {
                show::terminal(it, show::Look { width, color })
            })?;
            let plain = anstream::adapter::strip_str(&page).to_string();
            assert!(plain.contains("[b]"), "{plain}");
            let command = plain.lines().find(|line| wire::is_command(line));
            assert_eq!(command, None, "{plain}");
        }
    }
    Ok(())
}

#[test]
fn a_page_is_one_file_without_a_script_in_which_code_is_no_markup() -> Result {
    let yours = "pub fn f(x: Vec<u32>) -> bool { x.len() > 1 && \"<script>\".is_empty() }";
    let page = report(
        yours,
        "pub fn f(x: Vec<u32>) -> bool { x.len() > 2 }",
        show::html,
    )?;
    assert!(
        page.contains("&lt;script&gt;") && !page.contains("<script"),
        "{page}"
    );
    assert!(
        page.contains("x: Vec&lt;u32&gt;") && page.contains("A &lt; B"),
        "{page}"
    );
    assert!(page.contains("prefers-color-scheme: dark"), "{page}");
    assert!(
        page.contains("content=\"default-src 'none'; style-src 'unsafe-inline';"),
        "{page}"
    );
    for foreign in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
    Ok(())
}
