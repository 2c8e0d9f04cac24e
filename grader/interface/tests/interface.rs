//! Descriptions of each sort, and what is made of them.

use interface::{Error, Interface, JudgeFiles};

const FILE: &str = "exercises/01-one/interface.rs";

fn read(description: &str) -> Result<Interface, Error> {
    Interface::parse("01-one", description, &|_| None)
}

fn described(description: &str) -> Interface {
    read(description).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns whether `part` stands in `whole`, however both are laid out.
fn holds(whole: &str, part: &str) -> bool {
    let [whole, part] = [whole, part].map(|text| {
        let text: String = text.split_whitespace().collect();
        text.replace(",)", ")")
            .replace(",}", "}")
            .replace(",]", "]")
    });
    whole.contains(&part)
}

#[track_caller]
fn assert_holds(whole: &str, part: &str) {
    assert!(holds(whole, part), "{part}\nis not in\n{whole}");
}

/// The judge's stand-ins, without tests.
fn judge(interface: &Interface) -> String {
    interface.judge(&JudgeFiles::default()).expect("Rust")
}

/// The error of a description, without the path.
fn fault(description: &str) -> String {
    let error = read(description).expect_err("a faulty description");
    let text = error.to_string();
    match text.strip_prefix(FILE) {
        Some(rest) => rest.to_owned(),
        None => panic!("{text} names no file"),
    }
}

const FUNCTION: &str = r#"
    use ndarray::{Array2, ArrayView3};
    /// cut an image
    #[gives(patches = "[N, K]")]
    pub fn cut(
        /// [C, H, W]
        image: ArrayView3<'_, f32>,
        /// rows and columns, as 3x4
        grid: (usize, usize),
    ) -> Array2<f32>;
"#;

#[test]
fn a_function_of_arrays_is_asked_and_answered_by_its_parameters_names() {
    let interface = described(FUNCTION);
    assert_holds(
        &judge(&interface),
        r#"pub(crate) fn cut(image: ArrayView3<'_, f32>, grid: (usize, usize),) -> Array2<f32> {
            let call_ = judge::Call::new(&EXERCISE, "cut").array("image", &image).value("grid", &grid);
            let mut answer_ = call_.send();
            let result_ = answer_.array("patches");
            result_
        }"#,
    );
    assert_holds(
        &interface.worker(),
        r#"fn cut(call: &workers::Call) -> workers::CallResult {
            let image = call.array::<f32, ndarray::Ix3>("image")?;
            let grid = call.size::<usize>("grid")?;
            let result_0 = one::cut(image.view(), grid);
            workers::gives_all(vec![("patches", (&result_0).into())])
        }"#,
    );
    assert_eq!(interface.served(), ["cut"]);
    let operation = &interface.operations()["cut"];
    assert_eq!(operation.about, "cut an image");
    assert_eq!(operation.tensors["image"], "[C, H, W]");
    assert_eq!(
        operation.arguments["grid"].about,
        "rows and columns, as 3x4"
    );
    assert_eq!(operation.gives["patches"], "[N, K]");
    assert!(!operation.weights && !operation.gradients);
}

#[test]
fn the_solution_stands_behind_the_table_in_the_judge_and_in_double_precision_too() {
    let interface = described(FUNCTION);
    assert!(interface.is_in_f32());
    let solution =
        "pub fn cut(image: ArrayView3<'_, f32>, grid: (usize, usize)) -> Array2<f32> { todo!() }";
    let files = JudgeFiles {
        tests: vec!["/course/exercises/01-one/tests/shape.rs".into()],
        solution_in_f32: Some(solution.to_owned()),
        ..JudgeFiles::default()
    };
    let judge = interface.judge(&files).expect("Rust");
    assert_holds(&judge, "one_solution::cut(image.view(), grid)");
    assert_holds(&judge, r#"call.array::<f64, ndarray::Ix3>("image")?"#);
    assert_holds(
        &judge,
        "crate::one_solution_in_f64::cut(image.view(), grid)",
    );
    assert_holds(
        &judge,
        "pub fn cut(image: ArrayView3<'_, f64>, grid: (usize, usize)) -> Array2<f64>",
    );
    assert_holds(
        &judge,
        r#"#[path = "/course/exercises/01-one/tests/shape.rs"] mod shape;"#,
    );
}

#[test]
fn a_judge_of_a_course_without_solutions_names_none() {
    let files = JudgeFiles {
        tests: vec!["/course/exercises/01-one/tests/shape.rs".into()],
        is_without_solution: true,
        ..JudgeFiles::default()
    };
    let judge = described(FUNCTION).judge(&files).expect("Rust");
    assert_holds(&judge, "reference: None");
    assert_holds(
        &judge,
        r#"#[path = "/course/exercises/01-one/tests/shape.rs"] mod shape;"#,
    );
    assert!(!judge.contains("one_solution"), "{judge}");
}

#[test]
fn solutions_that_build_on_each_other_are_all_in_double_precision() {
    let earlier = || Interface::parse("01-one", FUNCTION_OF_A_CHOICE, &|_| None);
    let description = r#"
        use ndarray::{Array2, ArrayView2};
        use one::Choice;
        /// twice
        #[gives(y = "[N]")]
        pub fn twice(
            /// [N, N]
            x: ArrayView2<'_, f32>,
            /// a or b
            choice: Choice,
        ) -> Array2<f32>;
    "#;
    let interface = Interface::parse("02-two", description, &|name| (name == "one").then(earlier));
    let interface = interface.unwrap_or_else(|error| panic!("{error}"));
    let files = JudgeFiles {
        solution_in_f32: Some(
            "use one::{Choice, once}; pub fn twice(x: f32) -> f32 { once(x) }".to_owned(),
        ),
        earlier_in_f32: vec![(
            "one".to_owned(),
            "pub fn once(x: f32) -> f32 { x }".to_owned(),
        )],
        ..JudgeFiles::default()
    };
    let judge = interface.judge(&files).expect("Rust");
    assert_holds(
        &judge,
        "mod one_solution_in_f64 { pub fn once(x: f64) -> f64 { x } }",
    );
    assert_holds(
        &judge,
        "mod two_solution_in_f64 { use crate::one_solution_in_f64::{Choice, once}; pub fn twice(x: f64) -> f64 { once(x) } }",
    );
    assert_holds(&judge, "crate::one_solution_in_f64::Choice::A");
    assert_holds(&judge, "one_solution::Choice::A");
}

const FUNCTION_OF_A_CHOICE: &str = r#"
    use ndarray::{Array2, ArrayView2};
    pub enum Choice { A, B }
    /// once
    #[gives(y = "[N]")]
    pub fn once(
        /// [N, N]
        x: ArrayView2<'_, f32>,
        /// a or b
        choice: Choice,
    ) -> Array2<f32>;
"#;

#[test]
fn a_struct_of_several_results_is_taken_apart_and_put_together() {
    let interface = described(
        r#"
        use ndarray::{Array2, ArrayView2};
        pub struct Parts {
            /// Of all.
            pub sum: f32,
            pub halves: Array2<f32>,
            pub is_left: Vec<bool>,
        }
        /// take apart
        #[gives(sum = "[]", halves = "[N, N]", left = "u8 [N]")]
        pub fn part(
            /// [N, N]
            x: ArrayView2<'_, f32>,
        ) -> Parts;
        "#,
    );
    assert_holds(
        &interface.worker(),
        r#"let one::Parts { sum: result_0, halves: result_1, is_left: result_2 } = one::part(x.view());
            workers::gives_all(vec![("sum", (&ndarray::arr0(result_0)).into()), ("halves", (&result_1).into()),
                ("left", (&ndarray::Array1::from_iter(result_2.into_iter().map(u8::from))).into())])"#,
    );
    let judge = judge(&interface);
    assert_holds(
        &judge,
        "pub(crate) struct Parts { pub(crate) sum: f32, pub(crate) halves: Array2<f32>, pub(crate) is_left: Vec<bool> }",
    );
    assert_holds(
        &judge,
        r#"let result_ = Parts {
            sum: answer_.array::<f32, ndarray::Ix0>("sum").into_scalar(),
            halves: answer_.array("halves"),
            is_left: answer_.array::<u8, ndarray::Ix1>("left").iter().map(|truth_| *truth_ != 0).collect()
        };"#,
    );
    let gives: Vec<_> = interface.operations()["part"]
        .gives
        .keys()
        .cloned()
        .collect();
    assert_eq!(gives, ["sum", "halves", "left"]);
    let declared = interface.declarations().to_string();
    assert_holds(
        &declared,
        "pub struct Parts { pub sum: f32, pub halves: Array2<f32>, pub is_left: Vec<bool> }",
    );
}

const MODULE: &str = r#"
    use tch::{Tensor, nn};
    /// a layer
    pub struct Layer;
    impl Layer {
        pub fn new(
            vs: &nn::Path<'_>,
            /// width
            dim: i64,
        ) -> Self;
        #[must_use]
        pub fn with_dropout(self, p: f64) -> Self;
        #[gives(y = "[B, D]")]
        pub fn forward_t(
            &self,
            /// [B, D]
            x: &Tensor,
            train: bool,
        ) -> Tensor;
        #[gives(y = "[B, D]", weights = "[B]")]
        pub fn attend(
            &self,
            /// [B, D]
            x: &Tensor,
        ) -> (Tensor, Tensor);
    }
"#;

#[test]
fn a_module_is_built_around_its_weights_and_asked_for_all_results_in_evaluation() {
    let interface = described(MODULE);
    assert!(!interface.is_in_f32());
    assert_eq!(
        interface.served(),
        ["layer", "layer.new", "layer.forward_t", "layer.attend"]
    );
    let worker = interface.worker();
    assert_holds(
        &worker,
        r#"fn layer_forward_t(call: &workers::Call) -> workers::CallResult {
            let train = call.argument::<bool>("train")?;
            let (variables_, module_) = workers::with_weights(call, &["x"], |vs| built_layer(call, vs))?;
            workers::differentiable(call, &["x"], Some(&variables_), |inputs_| {
                let result_0 = module_.forward_t(&inputs_[0], train);
                vec![("y".to_owned(), result_0)]
            })
        }"#,
    );
    assert_holds(
        &worker,
        r#"if call.argument("with_dropout")? {
            let p = call.argument::<f64>("p")?;
            module_ = module_.with_dropout(p);
        }"#,
    );
    assert_holds(
        &worker,
        "let result_0 = module_.forward_t(&inputs_[0], false);",
    );
    assert_holds(&worker, "let (_, result_1) = module_.attend(&inputs_[0]);");
    let judge = judge(&interface);
    assert_holds(
        &judge,
        "struct Layer { module: judge::Module, with_dropout: Option<(f64,)>, }",
    );
    assert_holds(&judge, "let mut answer_ = call_.send_differentiable();");
    let operation = &interface.operations()["layer"];
    assert!(operation.weights && operation.gradients);
    assert_eq!(operation.arguments.keys().collect::<Vec<_>>(), ["dim"]);
    assert_eq!(operation.gives.keys().collect::<Vec<_>>(), ["y", "weights"]);
}

#[test]
fn pairs_are_of_either_number_and_a_tensor_may_be_left_out() {
    let interface = described(
        r#"
        use tch::{Tensor, nn};
        /// a layer
        pub struct Layer;
        impl Layer {
            pub fn new(
                vs: &nn::Path<'_>,
                /// rows and columns
                window: (i64, i64),
            ) -> Self;
            #[gives(y = "[B, D]")]
            pub fn forward(
                &self,
                /// [B, D]
                x: &Tensor,
                /// [B]
                mask: Option<&Tensor>,
            ) -> Tensor;
        }
        "#,
    );
    let worker = interface.worker();
    assert_holds(&worker, r#"let window = call.size::<i64>("window")?;"#);
    // It is no weight of the module, and no gradient is taken of it.
    assert_holds(
        &worker,
        r#"fn layer_forward(call: &workers::Call) -> workers::CallResult {
            let mask = call.optional_tensor("mask")?;
            let (variables_, module_) = workers::with_weights(call, &["x", "mask"], |vs| new_layer(call, vs))?;
            workers::differentiable(call, &["x"], Some(&variables_), |inputs_| {
                let result_0 = module_.forward(&inputs_[0], mask.as_ref());"#,
    );
    assert_holds(
        &judge(&interface),
        r#".tensor("x", x).optional_tensor("mask", mask)"#,
    );
    let operation = &interface.operations()["layer"];
    assert_eq!(operation.tensors["x"], "[B, D]");
    assert_eq!(operation.tensors["mask"], "[B], optional");
    assert_eq!(operation.optional, ["mask".to_owned()].into());
    assert!(fault("pub struct A { pub mask: Option<i64> }").contains("cannot be an argument"));
}

#[test]
fn a_list_of_numbers_is_one_argument_and_a_preset_has_it_by_its_name() {
    let interface = described(
        r#"
        pub struct Config {
            /// width
            pub dim: i64,
            /// blocks of each stage, as 2,2,6,2
            #[default = "2,2"]
            pub depths: Vec<i64>,
        }
        #[presets = "config"]
        impl Config {
            pub fn tiny() -> Self;
        }
        /// counts
        #[gives(count = "i64 []")]
        pub fn count(config: &Config) -> i64;
        "#,
    );
    let worker = interface.worker();
    assert_holds(&worker, r#"depths: call.list("depths")?"#);
    assert_holds(
        &worker,
        r#"("depths", (&ndarray::arr1(&given.depths)).into())"#,
    );
    let judge = judge(&interface);
    assert_holds(&judge, r#".value("depths", &self.depths)"#);
    assert_holds(
        &judge,
        r#"depths: answer_.array::<i64, ndarray::Ix1>("depths").to_vec()"#,
    );
    let default = &interface.operations()["count"].arguments["depths"].default;
    assert_eq!(default.as_deref(), Some("2,2"));
    let faulty = "pub struct Config {\n#[default = \"2x2\"]\npub depths: Vec<i64> }";
    assert_eq!(
        fault(faulty),
        ":3: the default \"2x2\" is not whole numbers, as 2,2,6,2"
    );
}

#[test]
fn an_enum_is_a_word_and_its_variants_fields_are_arguments_of_their_own() {
    let interface = described(
        r#"
        pub enum Fusion { Mean, HeadMax }
        pub enum Loss { Soft { temperature: f64 }, Hard }
        #[unlisted]
        #[gives(loss = "[]")]
        pub fn loss(logits: &Tensor, fusion: Fusion, #[name = "mode"] loss: Loss) -> Tensor;
        "#,
    );
    let worker = interface.worker();
    assert_holds(&worker, r#"let loss = read_loss(call, "mode")?;"#);
    assert_holds(
        &worker,
        r#"call.choice(name, &[("mean", 0), ("head_max", 1)])?"#,
    );
    assert_holds(
        &worker,
        r#"0 => one::Loss::Soft { temperature: call.argument::<f64>("temperature")? },"#,
    );
    assert_holds(
        &judge(&interface),
        r#"Loss::Soft { temperature } => call_.argument(name, "soft").value("temperature", temperature)"#,
    );
}

#[test]
fn a_structs_fields_are_arguments_and_its_presets_come_by_name() {
    let interface = described(
        r#"
        pub enum Pool { Cls, Mean }
        pub struct Config {
            /// width
            pub dim: i64,
            /// cls or mean
            pub pool: Pool,
        }
        #[presets = "config"]
        impl Config {
            pub fn tiny() -> Self;
        }
        /// counts
        #[gives(count = "i64 []")]
        pub fn count(config: &Config) -> i64;
        "#,
    );
    assert_eq!(interface.served(), ["count", "config"]);
    let worker = interface.worker();
    assert_holds(
        &worker,
        r#"Ok(one::Config { dim: call.argument::<i64>("dim")?, pool: read_pool(call, "pool")?, })"#,
    );
    assert_holds(
        &worker,
        r#"("tiny", one::Config::tiny as fn() -> one::Config)"#,
    );
    assert_holds(
        &judge(&interface),
        r#"call_.value("dim", &self.dim).value("pool", &self.pool)"#,
    );
    let operation = &interface.operations()["count"];
    let arguments = operation.arguments.iter();
    let arguments: Vec<_> = arguments
        .map(|(name, it)| (name.as_str(), it.about.as_str()))
        .collect();
    assert_eq!(arguments, [("dim", "width"), ("pool", "cls or mean")]);
}

#[test]
fn defaults_are_listed_and_travel_with_what_is_taken_of_an_earlier_exercise() {
    let config = r#"
        pub enum Pool { Cls, Mean }
        pub struct Config {
            pub dim: i64,
            #[default = "0.5"]
            pub dropout: f64,
            #[default = "mean"]
            pub pool: Pool,
        }
        "#;
    let earlier =
        |name: &str| (name == "zero").then(|| Interface::parse("00-zero", config, &|_| None));
    let description = r#"
        use zero::{Config, Pool};
        /// counts
        #[gives(count = "i64 []")]
        pub fn count(
            config: &Config,
            /// rows and columns
            #[default = "2x3"]
            grid: (usize, usize),
        ) -> i64;
        "#;
    let interface = Interface::parse("01-one", description, &earlier).expect("a description");
    let operation = &interface.operations()["count"];
    let defaults: Vec<_> = operation
        .arguments
        .values()
        .map(|it| it.default.as_deref())
        .collect();
    assert_eq!(defaults, [None, Some("0.5"), Some("mean"), Some("2x3")]);
    // They are a caller's to fill in: a worker is sent all arguments.
    assert_holds(
        &interface.worker(),
        r#"dropout: call.argument::<f64>("dropout")?"#,
    );
}

#[test]
fn a_default_is_a_value_of_its_kind() {
    let of = |default: &str, kind: &str| {
        fault(&format!(
            "pub enum Pool {{ Cls, Mean }}\npub struct Config {{\n#[default = \"{default}\"]\npub a: {kind} }}"
        ))
    };
    assert_eq!(of("0,5", "f64"), ":4: the default \"0,5\" is not a number");
    assert_eq!(
        of("-1", "usize"),
        ":4: the default \"-1\" is not a whole number, of usize"
    );
    assert_eq!(
        of("yes", "bool"),
        ":4: the default \"yes\" is not true or false"
    );
    assert_eq!(
        of("max", "Pool"),
        ":4: the default \"max\" is not cls or mean"
    );
    assert_eq!(
        of("3", "(usize, usize)"),
        ":4: the default \"3\" is not rows and columns, as 14x14"
    );
    let tensor = "#[gives(y = \"\")]\npub fn f(#[default = \"0\"] x: &Tensor) -> Tensor;";
    assert!(fault(tensor).contains("is not of a number, a word or a size alone"));
}

#[test]
fn a_variants_field_belongs_to_calls_of_its_variants_alone() {
    let interface = described(
        r#"
        pub enum Loss { Soft { temperature: f64, alpha: f64 }, Warm { temperature: f64 }, Hard }
        /// a loss
        #[gives(loss = "[]")]
        pub fn loss(
            /// [B]
            logits: &Tensor,
            /// which
            loss: Loss,
        ) -> Tensor;
        "#,
    );
    let arguments = &interface.operations()["loss"].arguments;
    let belongs = |name: &str, word: &str| {
        arguments[name].belongs_to(&[("loss".to_owned(), word.to_owned())].into())
    };
    for (name, words) in [
        ("loss", &["soft", "warm", "hard"][..]),
        ("temperature", &["soft", "warm"]),
        ("alpha", &["soft"]),
    ] {
        let found: Vec<_> = ["soft", "warm", "hard"]
            .into_iter()
            .filter(|word| belongs(name, word))
            .collect();
        assert_eq!(found, words, "{name}");
    }
    assert!(
        arguments["alpha"].belongs_to(&Default::default()),
        "nothing is said yet"
    );
}

#[test]
fn what_an_earlier_exercise_has_is_its_own_and_what_is_fixed_is_not_sent() {
    let earlier = |name: &str| {
        let config =
            "pub enum Pool { Cls, Mean } pub struct Config { pub dim: i64, pub pool: Pool }";
        (name == "zero").then(|| Interface::parse("00-zero", config, &|_| None))
    };
    let description = r#"
        #[fixed(pool = Cls)]
        use zero::Config;
        use zero::Pool;
        /// counts
        #[gives(count = "i64 []")]
        pub fn count(config: &Config) -> i64;
    "#;
    let interface = Interface::parse("01-one", description, &earlier).expect("a description");
    assert_holds(
        &interface.worker(),
        r#"Ok(zero::Config { dim: call.argument::<i64>("dim")?, pool: zero::Pool::Cls, })"#,
    );
    let judge = judge(&interface);
    assert_holds(&judge, "extern crate self as zero;");
    assert_holds(&judge, r#"{ call_.value("dim", &self.dim) }"#);
    assert!(!holds(
        &interface.declarations().to_string(),
        "struct Config"
    ));
}

#[test]
fn several_tensors_may_be_stacked_for_one_cotangent() {
    let stacked = MODULE.replace(
        "#[gives(y = \"[B, D]\", weights",
        "#[stacked = \"pair\"] #[gives(y = \"[B, D]\", weights",
    );
    let worker = described(&stacked).worker();
    assert_holds(
        &worker,
        r#"vec![("pair".to_owned(), workers::stacked(&[&result_0, &result_1])), ("y".to_owned(), result_0), ("weights".to_owned(), result_1)]"#,
    );
}

#[test]
fn a_struct_of_whole_numbers_is_one_result() {
    let interface = described(
        r#"
        pub struct Cost { pub tokens: usize, pub flops: usize }
        #[unlisted]
        #[gives(cost = "i64 [2]")]
        pub fn cost(dim: usize) -> Cost;
        "#,
    );
    assert_holds(
        &interface.worker(),
        r#"("cost", (&ndarray::arr1(&[result_0.tokens as i64, result_0.flops as i64])).into())"#,
    );
    assert_holds(
        &judge(&interface),
        "Cost { tokens: numbers_.get(0usize).copied().and_then(|number_| number_.try_into().ok()).unwrap_or(usize::MAX),",
    );
}

#[test]
fn what_does_not_fit_is_told_with_its_line() {
    let unlisted = |function: &str| fault(&format!("\n#[unlisted]\n{function}"));
    assert_eq!(
        unlisted("#[gives(y = \"\")] pub fn f(g: impl Fn(i64) -> f64) -> Tensor;"),
        ":3: the parameter `g: impl Fn (i64) -> f64` cannot be sent: write the function by hand, #[by_hand]"
    );
    assert_eq!(
        unlisted("#[gives(y = \"\")] pub fn f(x: &Tensor) -> (Tensor, Tensor);"),
        ":3: f has 2 results, and #[gives(…)] names 1"
    );
    assert_eq!(
        unlisted("#[gives(y = \"\")] pub fn f(x: &Tensor) -> String;"),
        ":3: a result of type `String` cannot be sent: write the function by hand, #[by_hand]"
    );
    assert_eq!(
        unlisted("#[gives(y = \"\")] pub fn f(x: &Tensor) -> Vec<Tensor>;"),
        ":3: \"y\" names a result of f: that of a list ends with `.<l>`, and no other"
    );
    assert_eq!(
        unlisted("#[give(y = \"\")] pub fn f(x: &Tensor) -> Tensor;"),
        ":3: this attribute means nothing here"
    );
    assert_eq!(
        fault("\n#[gives(y = \"\")]\npub fn f(x: &Tensor) -> Tensor;"),
        ":3: say in a doc comment what the operation does, or that it is #[unlisted]"
    );
    assert_eq!(
        fault("/// does\n#[gives(y = \"\")]\npub fn f(\n  x: &Tensor) -> Tensor;"),
        ":4: say in a doc comment of the parameter x what it means, or a tensor's shape"
    );
    assert_eq!(
        fault("/// a layer\npub struct Layer;"),
        ":2: Layer has no `impl` with `new`"
    );
    assert_eq!(
        fault("impl Layer {}"),
        ":1: Layer is no struct of this description"
    );
    assert_eq!(
        fault("pub fn f() -> Tensor {}").split(": ").next(),
        Some(":1")
    );
    assert_eq!(
        fault("fn f() -> Tensor;"),
        ":1: what a description declares is public: write `pub`"
    );
}
