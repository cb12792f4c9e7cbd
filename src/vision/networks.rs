//! Every network of the program, loaded when it starts: no request waits for a file, and a fault shows before the first.

use candle_core::{Device, Tensor};

use super::LoadError;
use super::nets::graph::Graph;
use super::nets::{
    Net, NetError, blendshapes, corners, facemesh, layout, mini_xception, minifasnet, mrz_ctc, pplcnet, ppocr_det,
    ppocr_rec, sface, yunet,
};
use super::weights::Models;

/// What each takes and gives stands in its file in `nets/`.
pub struct Networks {
    pub face_detector: Net,
    pub face_embedder: Net,
    pub face_mesh: Net,
    pub blendshapes: Net,
    pub anti_spoof: Net,
    pub expression: Net,
    pub text_detector: Net,
    pub text_reader: Net,
    /// What the text reader's classes mean, by class.
    pub alphabet: Vec<String>,
    pub document_orientation: Net,
    pub document_corners: Net,
    pub document_layout: Net,
    pub mrz_reader: Net,
    /// The same net, trained for lines seen from too far away.
    pub far_mrz_reader: Net,
    pub number_reader: Net,
}

impl Networks {
    pub fn load(models: &Models, device: &Device) -> Result<Networks, LoadError> {
        let net = |name, describe: fn() -> Result<Graph, NetError>| -> Result<Net, LoadError> {
            Ok(Net::load(describe()?, &models.weights(name)?, device)?)
        };
        let alphabet = models.classes("ppocr_rec")?;
        if alphabet.len() != ppocr_rec::LATIN_CLASSES {
            return Err(NetError::Weights(format!("ppocr_rec: {} classes have a meaning", alphabet.len())).into());
        }
        Ok(Networks {
            face_detector: net("yunet", yunet::describe)?,
            face_embedder: net("sface", sface::describe)?,
            face_mesh: net("facemesh", facemesh::describe)?,
            blendshapes: net("blendshapes", blendshapes::describe)?,
            anti_spoof: net("minifasnet", minifasnet::describe)?,
            expression: net("mini_xception", mini_xception::describe)?,
            text_detector: net("ppocr_det", ppocr_det::describe)?,
            text_reader: net("ppocr_rec", ppocr_rec::describe)?,
            alphabet,
            document_orientation: net("pplcnet", pplcnet::describe)?,
            document_corners: net("corners", corners::describe)?,
            document_layout: net("layout", layout::describe)?,
            mrz_reader: net("mrz_ctc", mrz_ctc::describe)?,
            far_mrz_reader: net("mrz_far_ctc", mrz_ctc::describe)?,
            number_reader: net("number_ctc", mrz_ctc::describe)?,
        })
    }

    /// Runs each once on grey, so that the first client does not pay for first touches.
    pub fn run_once(&self) -> Result<(), NetError> {
        let nets = [
            (&self.face_detector, [1, 640, 640, 3]),
            (&self.face_embedder, [2, sface::SIDE, sface::SIDE, 3]),
            (&self.face_mesh, [1, facemesh::SIDE, facemesh::SIDE, 3]),
            (&self.blendshapes, [1, 1, 2, blendshapes::POINTS]),
            (&self.anti_spoof, [1, minifasnet::SIDE, minifasnet::SIDE, 3]),
            (&self.expression, [1, mini_xception::SIDE, mini_xception::SIDE, 1]),
            (&self.text_detector, [1, 320, 320, 3]),
            (&self.text_reader, [1, ppocr_rec::HEIGHT, 320, 3]),
            (&self.document_orientation, [1, pplcnet::SIDE, pplcnet::SIDE, 3]),
            (&self.document_corners, [1, corners::SHORT, corners::LONG, 3]),
            (&self.document_layout, [1, layout::HIGH, layout::WIDE, 3]),
            (&self.mrz_reader, [1, mrz_ctc::HEIGHT, 528, 1]),
            (&self.far_mrz_reader, [1, mrz_ctc::HEIGHT, 528, 1]),
            (&self.number_reader, [1, mrz_ctc::HEIGHT, 264, 1]),
        ];
        for (net, shape) in nets {
            let input = Tensor::full(0.5f32, &shape[..], &Device::Cpu)?;
            for output in net.run(&input)? {
                if output.flatten_all()?.to_vec1::<f32>()?.iter().any(|value| !value.is_finite()) {
                    return Err(NetError::Graph(format!("{} gives numbers that are none", net.name())));
                }
            }
        }
        Ok(())
    }
}
