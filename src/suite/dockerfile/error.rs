//! What cannot be said about a Dockerfile.

/// What cannot be said about a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileError {
    /// It cannot be parsed.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// The image of a FROM depends on something that is not known here.
    #[error("line {line}: `{text}` depends on `{name}`, which is not known before the build")]
    Unresolved {
        /// Line, counted from 1.
        line: u32,
        /// The image as it is written.
        text: String,
        /// The variable.
        name: String,
    },
    /// The image of a FROM is empty once its variables are filled in.
    #[error("line {line}: `{text}` names no image")]
    Blank {
        /// Line, counted from 1.
        line: u32,
        /// The image as it is written.
        text: String,
    },
    /// The builder refuses what the image of a FROM is made of.
    #[error("line {line}: `{text}` cannot be replaced: {reason}")]
    Substitution {
        /// Line, counted from 1.
        line: u32,
        /// The image as it is written.
        text: String,
        /// Why.
        reason: String,
    },
    /// A text that must name an image cannot.
    #[error("line {line}: `{text}` does not name an image or stage")]
    NotAnImage {
        /// Line, counted from 1.
        line: u32,
        /// The text as it is written: values of build arguments may be secret.
        text: String,
    },
    /// There is no stage of that name.
    #[error("there is no stage `{0}`")]
    NoStage(String),
}
