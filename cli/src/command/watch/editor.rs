use super::sources::candidates;
use crate::model::SourcePlace;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How an editor is told which line to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `+42 file`
    Plus,
    /// `file:42`
    Colon,
    /// `-g file:42`
    Goto,
    /// `--line 42 file`
    Line,
}

/// The user's editor, to be run at a line.
///
/// # Errors
/// In words, when none is named, or the file is not here.
pub(super) fn command(place: &SourcePlace) -> Result<Command, String> {
    let named = |editor: &OsString| !editor.as_encoded_bytes().trim_ascii().is_empty();
    let editor = ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os).find(named);
    let Some(editor) = editor else {
        return Err("no editor is named: set $VISUAL or $EDITOR (vim, \"code -g\", hx …)".to_owned());
    };
    let file = find(place)?;
    Ok(of(&editor, &file, place.line))
}

/// What went wrong while it ran, if anything did.
pub(super) fn failure(ended: io::Result<std::process::ExitStatus>) -> Option<String> {
    match ended {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("the editor ended with {status}")),
        Err(error) => Some(format!("the editor cannot be started: {error}")),
    }
}

/// As a shell reads it, as those who set the variable expect: it may have arguments, quoted or not. The file is none of what the
/// shell reads.
fn of(editor: &OsStr, file: &Path, line: u32) -> Command {
    let mut script = OsString::from("exec ");
    script.push(editor);
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg("sh");
    let with_line = |file: &Path| {
        let mut text = file.as_os_str().to_owned();
        text.push(format!(":{line}"));
        text
    };
    match form(&editor.to_string_lossy()) {
        Form::Plus => command.arg(format!("+{line}")).arg(file),
        Form::Colon => command.arg(with_line(file)),
        Form::Goto => command.arg("-g").arg(with_line(file)),
        Form::Line => command.arg("--line").arg(line.to_string()).arg(file),
    };
    command
}

fn form(editor: &str) -> Form {
    let program = editor.split_whitespace().next().unwrap_or_default().trim_matches(['"', '\'']);
    match program.rsplit('/').next().unwrap_or_default() {
        "code" | "code-insiders" | "code-oss" | "codium" | "vscodium" | "cursor" | "windsurf" => Form::Goto,
        "hx" | "helix" | "zed" | "zeditor" | "subl" | "sublime_text" | "lapce" => Form::Colon,
        "idea" | "clion" | "rustrover" | "kate" | "mate" => Form::Line,
        // vi and all that follow it, and nano, emacs, emacsclient, kak, micro, joe, ne, gedit.
        _ => Form::Plus,
    }
}

/// The file, from the first of the places that it may be at; absolute, since editors run what follows a `+` or `-` of its name.
fn find(place: &SourcePlace) -> Result<PathBuf, String> {
    let found = candidates(place).into_iter().find(|path| path.is_file());
    found.and_then(|path| std::path::absolute(path).ok()).ok_or_else(|| match &place.root {
        _ if Path::new(&place.file).is_absolute() => format!("{} is not on this machine", place.file),
        Some(root) => {
            format!("{} is neither in {root} nor in the current folder of this machine", place.file)
        }
        None => {
            format!("{} is not here: start stallscope in the folder of the program's source code", place.file)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(editor: &str) -> Vec<String> {
        let command = of(editor.as_ref(), Path::new("/src/a b.rs"), 42);
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn each_editor_is_told_the_line_as_it_expects() {
        assert_eq!(told("vim"), ["-c", "exec vim \"$@\"", "sh", "+42", "/src/a b.rs"]);
        assert_eq!(told("/usr/bin/code --wait")[3..], ["-g", "/src/a b.rs:42"]);
        assert_eq!(told("hx")[3..], ["/src/a b.rs:42"]);
        assert_eq!(told("emacsclient -nw")[3..], ["+42", "/src/a b.rs"]);
        assert_eq!(told("rustrover")[3..], ["--line", "42", "/src/a b.rs"]);
    }

    #[test]
    fn the_shell_reads_the_variable_as_its_user_wrote_it() {
        let mut command = of("printf '%s|'".as_ref(), Path::new("a b.rs"), 7);
        let output = command.output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "+7|a b.rs|");
        let hostile = Path::new("/src/'$(echo ran)`echo ran`\";echo ran;.rs");
        let output = of("\"printf\" '%s|'".as_ref(), hostile, 7).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("+7|{}|", hostile.display()));
    }

    #[test]
    fn no_name_is_an_option_or_a_command_of_the_editor() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_string_lossy().into_owned();
        for name in ["+!reboot", "-S"] {
            std::fs::write(folder.path().join(name), "").expect("written");
            let up = "../".repeat(std::env::current_dir().expect("a folder").components().count());
            let (file, root) = (name.to_owned(), Some(format!("{up}{root}")));
            let found = find(&SourcePlace { file, line: 1, root, ..SourcePlace::default() });
            assert!(found.is_ok_and(|path| path.is_absolute() && path.ends_with(name)), "{name}");
        }
    }

    #[test]
    fn a_file_is_looked_for_below_the_source_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("lib.rs"), "").expect("written");
        let root = Some(folder.path().to_string_lossy().into_owned());
        let place = |file: &str, root: &Option<String>| SourcePlace {
            file: file.into(),
            line: 1,
            root: root.clone(),
            ..SourcePlace::default()
        };
        assert_eq!(find(&place("lib.rs", &root)), Ok(folder.path().join("lib.rs")));
        let missing = find(&place("other.rs", &root)).expect_err("it is not there");
        assert!(missing.starts_with("other.rs is neither in "), "{missing}");
        let unknown = find(&place("nowhere/other.rs", &None)).expect_err("it is not there");
        assert!(unknown.contains("start stallscope in the folder"), "{unknown}");
    }
}
