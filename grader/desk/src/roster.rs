//! The roster: who is in the class, from `roster.csv`.

use crate::failure::{Blame, Failure};
use anyhow::{Context, Result, bail, ensure};
use hints::WithHint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The header of `roster.csv`.
pub const HEADER: &str = "id,name,email,group,section\n";

/// A person of the class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id, by which attempts and decisions name the person.
    pub id: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The e-mail address.
    #[serde(default)]
    pub email: String,
    /// The group that hands in together; empty for none.
    #[serde(default)]
    pub group: String,
    /// The section of the class.
    #[serde(default)]
    pub section: String,
}

/// All people of the class, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    people: Vec<Person>,
}

/// The people that a submission's name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The ids of one person and their group, or of all members of a group.
    People(BTreeSet<String>),
    /// Nobody.
    Nobody,
    /// Several people, by id.
    Several(Vec<String>),
}

impl Roster {
    /// A roster of these people.
    ///
    /// # Errors
    /// Returns an error if an id is empty or occurs twice, or a group's name is also somebody's id.
    pub fn new(mut people: Vec<Person>) -> Result<Self> {
        let mut seen = BTreeSet::new();
        for person in &people {
            ensure!(
                !person.id.is_empty(),
                "{} has no id",
                match person.name.as_str() {
                    "" => "a person",
                    name => name,
                }
            );
            ensure!(
                seen.insert(key(&person.id)),
                "the id {} stands twice",
                person.id
            );
        }
        for person in &people {
            ensure!(
                person.group.is_empty() || !seen.contains(&key(&person.group)),
                "the group {} has the name of a person's id",
                person.group
            );
        }
        people.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { people })
    }

    /// Reads `roster.csv`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not a roster, naming the line.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Self> {
            let bytes = std::fs::read(path)?;
            let text = std::str::from_utf8(&bytes)
                .context("it is not UTF-8 text: export it as CSV UTF-8")?;
            Self::parse(text)
        };
        read()
            .with_context(|| format!("cannot read the roster {}", path.display()))
            .hint("its first line is id,name,email,group,section; each further line is a person")
            .blame_arguments()
    }

    /// Parses the text of `roster.csv`. Columns may stand in any order; those but `id` may be missing.
    ///
    /// # Errors
    /// Returns an error if it is not a roster.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let people: Result<Vec<Person>, csv::Error> = reader.deserialize().collect();
        Self::new(people?)
    }

    /// All people, by id.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The person with an id.
    pub fn get(&self, id: &str) -> Option<&Person> {
        let place = self.people.binary_search_by(|it| it.id.as_str().cmp(id));
        Some(&self.people[place.ok()?])
    }

    /// The members of a person's group, the person included.
    fn members_with(&self, person: &Person) -> BTreeSet<String> {
        let group = self
            .people
            .iter()
            .filter(|other| !person.group.is_empty() && key(&other.group) == key(&person.group));
        let ids = group.chain([person]).map(|it| it.id.clone());
        ids.collect()
    }

    /// The people that a submission counts for, by its name: a person's id, e-mail address or name, or a group. Letters'
    /// case is ignored, and `_` stands for a blank. If nobody has that name, it may be one of a platform's download:
    /// its number is left out then.
    pub fn of_submission(&self, name: &str) -> Match {
        match self.named_in_download(name) {
            Some(person) => self.of_download(person),
            None => self.of_name(name),
        }
    }

    /// The name of a person, for comparison, if a platform's download has it as all that tells whose a submission is, but for
    /// a number that the roster does not know. Two submissions in one download that have the same are of two people, one of
    /// whom may have chosen the other's name.
    pub fn namesake(&self, submission: &str) -> Option<String> {
        let name = self.named_in_download(submission)?;
        self.group_of_download(name)
            .is_none()
            .then(|| squeeze(name))
    }

    /// The name in a submission's name as a platform's download has it, with a number behind it; none if the whole is
    /// somebody's.
    fn named_in_download<'a>(&self, submission: &'a str) -> Option<&'a str> {
        let (name, number) = submission.rsplit_once('_')?;
        let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
        (is_number && self.of_name(submission) == Match::Nobody).then_some(name)
    }

    /// A member of the group that a platform's download names.
    fn group_of_download(&self, name: &str) -> Option<&Person> {
        let (written, squeezed) = (key(name), squeeze(name));
        self.people.iter().find(|it| {
            !it.group.is_empty() && (key(&it.group) == written || squeeze(&it.group) == squeezed)
        })
    }

    /// The people that a platform's download names, its number left out: a person's name or a group, as in Moodle (`Anna Lee`),
    /// or in small letters without blanks and punctuation, the last name first, as in Canvas (`leeanna`). The roster does not
    /// tell which words of a name are the last name, and so it may be any.
    fn of_download(&self, name: &str) -> Match {
        if squeeze(name).is_empty() {
            return Match::Nobody;
        }
        if let Some(person) = self.group_of_download(name) {
            return Match::People(self.members_with(person));
        }
        self.the_one(&self.called_in_download(name))
    }

    /// The people whose name a platform's download has.
    fn called_in_download(&self, name: &str) -> Vec<&Person> {
        let (written, squeezed) = (key(name), squeeze(name));
        let found = self.by(&written, |it| &it.name);
        if !found.is_empty() || squeezed.is_empty() {
            return found;
        }
        let people = self.people.iter();
        let people = people.filter(|it| orders(&it.name).any(|it| squeeze(&it) == squeezed));
        people.collect()
    }

    /// The one person, without the group, whose submission in a platform's download has this name; none if it is a group's,
    /// nobody's, or may be several people's.
    pub fn person_of_download(&self, submission: &str) -> Option<&Person> {
        let Some(name) = self.named_in_download(submission) else {
            return self.person(submission).ok();
        };
        if self.group_of_download(name).is_some() {
            return None;
        }
        match self.called_in_download(name).as_slice() {
            [person] => Some(person),
            _ => None,
        }
    }

    fn of_name(&self, name: &str) -> Match {
        let wanted = key(name);
        let by_id: Vec<_> = self.by(&wanted, |it| &it.id);
        let found = match by_id.is_empty() {
            false => by_id,
            true => {
                let group = self
                    .people
                    .iter()
                    .find(|it| !it.group.is_empty() && key(&it.group) == wanted);
                if let Some(person) = group {
                    return Match::People(self.members_with(person));
                }
                let by_email = self.by(&wanted, |it| &it.email);
                match by_email.is_empty() {
                    false => by_email,
                    true => self.by(&wanted, |it| &it.name),
                }
            }
        };
        self.the_one(&found)
    }

    /// The match that these people are.
    fn the_one(&self, found: &[&Person]) -> Match {
        match found {
            [] => Match::Nobody,
            [person] => Match::People(self.members_with(person)),
            several => Match::Several(several.iter().map(|it| it.id.clone()).collect()),
        }
    }

    fn by(&self, wanted: &str, column: impl Fn(&Person) -> &String) -> Vec<&Person> {
        let people = self.people.iter();
        let found = people.filter(|it| !column(it).is_empty() && key(column(it)) == wanted);
        found.collect()
    }

    /// The person that an argument names: by id, e-mail address or name.
    ///
    /// # Errors
    /// Returns an error if nobody or several people have that id, address or name; a hint names the nearest one.
    pub fn person(&self, name: &str) -> Result<&Person> {
        let wanted = key(name);
        for column in [
            (|it: &Person| &it.id) as fn(&Person) -> &String,
            |it| &it.email,
            |it| &it.name,
        ] {
            match self.by(&wanted, column).as_slice() {
                [] => {}
                [person] => return Ok(person),
                several => bail!(
                    "{name} may be {}",
                    several
                        .iter()
                        .map(|it| it.id.as_str())
                        .collect::<Vec<_>>()
                        .join(" or ")
                ),
            }
        }
        let names = self
            .people
            .iter()
            .flat_map(|it| [&it.id, &it.name, &it.email]);
        let near = names
            .map(|it| (strsim::jaro_winkler(&wanted, &key(it)), it))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match near {
            Some((_, near)) => format!("did you mean {near}?"),
            None => "people are named by id, e-mail address or name, as in roster.csv".to_owned(),
        };
        Err(anyhow::anyhow!("nobody in the roster is called {name}")).hint(hint)
    }

    /// The groups, and the ids of their members.
    pub fn groups(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for person in self.people.iter().filter(|it| !it.group.is_empty()) {
            groups.entry(&person.group).or_default().push(&person.id);
        }
        groups
    }
}

/// A name in the form in which names are compared: lower case, with `_` and runs of blanks as one blank.
fn key(name: &str) -> String {
    let name = name.replace('_', " ").to_lowercase();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name in small letters, without blanks and punctuation.
fn squeeze(name: &str) -> String {
    let letters = name.chars().filter(|it| it.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// A name with each of its words as the first, the words before it at the end.
fn orders(name: &str) -> impl Iterator<Item = String> {
    let words: Vec<_> = name.split_whitespace().collect();
    (0..words.len()).map(move |i| [&words[i..], &words[..i]].concat().concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = "id,name,email,group,section\n\
        s1,Anna Lee,anna@x.edu,red,A\n\
        s2,Bob Ray,bob@x.edu,red,A\n\
        s3,Eve Ray,eve@x.edu,,B\n\
        s4,Eve Ray,eve2@x.edu,,B\n";

    fn ids(ids: &[&str]) -> Match {
        Match::People(ids.iter().map(|&id| id.to_owned()).collect())
    }

    #[test]
    fn a_submission_counts_for_the_person_or_for_all_of_the_group() -> Result<()> {
        let roster = Roster::parse(CLASS)?;
        for name in ["s1", "S2", "anna@x.edu", "bob_ray", "Red", "Anna Lee"] {
            assert_eq!(roster.of_submission(name), ids(&["s1", "s2"]), "{name}");
        }
        assert_eq!(roster.of_submission("eve@x.edu"), ids(&["s3"]));
        assert_eq!(roster.of_submission("mallory"), Match::Nobody);
        let several = Match::Several(vec!["s3".to_owned(), "s4".to_owned()]);
        assert_eq!(roster.of_submission("eve_ray"), several);
        Ok(())
    }

    #[test]
    fn names_of_downloads_are_matched_without_their_number() -> Result<()> {
        let class = "id,name,group\ns1,Anna Lee,\ns2,Bob von Ray,\ns3,Zoë O'Brien,blue team\ns4,Lee Anna,\n7,Max Sun,\n";
        let roster = Roster::parse(class)?;
        for (name, id) in [
            ("Bob von Ray_101", "s2"),
            ("vonraybob_12", "s2"),
            ("raybobvon_12", "s2"),
            ("obrienzoë_12", "s3"),
            ("blueteam_12", "s3"),
            ("Blue Team_100", "s3"),
            // Moodle says which; Canvas' name may be either.
            ("Anna Lee_100", "s1"),
            ("7", "7"),
        ] {
            assert_eq!(roster.of_submission(name), ids(&[id]), "{name}");
        }
        let several = Match::Several(vec!["s1".to_owned(), "s4".to_owned()]);
        assert_eq!(roster.of_submission("leeanna_12"), several);
        // A number, and an id with one behind it, are no names.
        for name in ["7_12", "s1_12", "_12", "bob_12", "vonraybob_"] {
            assert_eq!(roster.of_submission(name), Match::Nobody, "{name}");
        }
        Ok(())
    }

    #[test]
    fn only_names_that_people_choose_have_namesakes() -> Result<()> {
        let roster = Roster::parse("id,name,group\ns1,Anna Lee,\ns2,Bob Ray,red\n7,Max 8,\n")?;
        for (submission, name) in [
            ("Anna Lee_100", Some("annalee")),
            ("Mallory_101", Some("mallory")),
            ("s1", None),
            ("Anna Lee", None),
            ("red_12", None),
            ("Max_8", None),
        ] {
            assert_eq!(roster.namesake(submission).as_deref(), name, "{submission}");
        }
        Ok(())
    }

    #[test]
    fn a_roster_with_columns_in_another_order_and_a_mark_at_its_beginning_is_read() -> Result<()> {
        let roster = Roster::parse("\u{feff}name,id\r\nAnna,7\r\n")?;
        assert_eq!(roster.get("7").map(|it| it.name.as_str()), Some("Anna"));
        Ok(())
    }

    #[test]
    fn faults_are_named() {
        let fault = |text: &str| format!("{:#}", Roster::parse(text).expect_err(text));
        assert!(fault("id,name\ns1,A\nS1,B\n").contains("the id S1 stands twice"));
        assert!(fault("id,name\n,A\n").contains("A has no id"));
        assert!(fault("id,group\ns1,s2\ns2,\n").contains("the group s2 has the name"));
        assert!(fault("name\nA\n").contains("missing field `id`"));
        assert!(fault("id,nmae\ns1,A\n").contains("unknown field `nmae`"));
        assert!(fault("id,name\ns1\n").contains("line: 2"));
    }

    #[test]
    fn a_person_who_is_misspelt_is_suggested() {
        let roster = Roster::parse(CLASS).expect("a roster");
        let error = roster.person("Ana Lee").expect_err("nobody");
        assert_eq!(hints::hints(&error), ["did you mean Anna Lee?"]);
        assert!(
            roster
                .person("eve ray")
                .expect_err("two")
                .to_string()
                .contains("s3 or s4")
        );
    }

    #[test]
    fn a_page_of_feedback_is_for_one_person_and_never_for_a_group() -> Result<()> {
        let people = "id,name,email,group,section\n\
            s1,Anna Lee,anna@x.edu,Eve Sun,\n\
            s2,Eve Sun,,,\n\
            s3,Bob Ray,,,\n\
            s4,Bob Ray,,,\n";
        let roster = Roster::parse(people)?;
        let id = |name: &str| roster.person_of_download(name).map(|it| it.id.as_str());
        for name in ["Anna Lee_7", "leeanna_12", "anna@x.edu", "s1"] {
            assert_eq!(id(name), Some("s1"), "{name}");
        }
        for name in [
            "Eve Sun_7",
            "evesun_7",
            "Bob Ray_7",
            "raybob_12",
            "Mallory_7",
            "_7",
            "7",
        ] {
            assert_eq!(id(name), None, "{name}");
        }
        Ok(())
    }
}
